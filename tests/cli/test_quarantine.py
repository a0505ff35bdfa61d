"""The quarantine, listed and worked through with `replay`."""

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.harness import CliHarness, WebhookIngest


async def find_only_item_id(cli_harness: CliHarness) -> str:
    [item] = (await cli_harness.run_command("replay", "--json")).json_output["items"]
    return str(item["id"])


async def test_the_quarantine_is_listed(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    listed = await cli_harness.run_command("replay")
    assert listed.code == ExitCode.ACTION_REQUIRED
    assert "party_size" in listed.out


async def test_an_item_is_shown_masked(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row(guest_request="Ada")
    show = ("replay", (await find_only_item_id(cli_harness))[:8], "--show")
    assert "Ada" not in (await cli_harness.run_command(*show)).out
    assert "Ada" in (await cli_harness.run_command(*show, "--unmask")).out


async def test_an_item_that_still_cannot_be_applied_is_reported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    prefix = (await find_only_item_id(cli_harness))[:8]
    refused = await cli_harness.run_command("replay", prefix, "--dry-run")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("The event still cannot be applied")


async def test_an_item_is_replayed_after_a_dry_run(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    integration = paths.integration_document(firestore, cli_harness.id)
    await integration.update({"timeZone": "Nowhere/Town"})
    assert await webhook_ingest.ingest_row(1) == "quarantined"
    await integration.update({"timeZone": "America/New_York"})
    reservation = paths.reservation_document(firestore, cli_harness.id, "ot_1")
    replay = ("replay", await find_only_item_id(cli_harness))
    preview = (await cli_harness.run_command(*replay, "--dry-run", "--json")).json_output
    assert (preview["dryRun"], preview["outcome"]) == (True, "created")
    assert not (await reservation.get()).exists
    assert "created" in (await cli_harness.run_command(*replay)).out
    assert (await reservation.get()).exists


async def test_an_item_is_dismissed_with_a_reason(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    await webhook_ingest.quarantine_row()
    item_id = await find_only_item_id(cli_harness)
    await cli_harness.run_command("replay", item_id, "--dismiss", "a test")
    items = paths.quarantine_collection(firestore, cli_harness.id)
    stored = (await items.document(item_id).get()).to_dict() or {}
    assert (stored["status"], stored["dismissReason"]) == ("DISMISSED", "a test")
    assert stored["settledBy"].startswith("operator:")
    assert (await cli_harness.run_command("replay")).code == ExitCode.SUCCESS


@pytest.mark.usefixtures("webhook_ingest")
async def test_an_unknown_item_is_rejected(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("replay", "nothing", "--dry-run")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)


async def test_an_ambiguous_start_of_an_id_is_rejected(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    await webhook_ingest.quarantine_row(guest_request="Ada")
    refused = await cli_harness.run_command("replay", "", "--dry-run")
    assert (refused.code, "2 items start with" in refused.errors) == (ExitCode.FAILED, True)
