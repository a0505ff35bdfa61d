"""Quarantined events are listed, replayed and dismissed."""

from collections import Counter

from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.harness import CliHarness, WebhookIngest


async def find_only_item_id(cli_harness: CliHarness) -> str:
    [item] = (await cli_harness.run_command("quarantine list", "--json")).json_output["items"]
    return str(item["id"])


async def test_the_quarantine_is_listed(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    listed = await cli_harness.run_command("quarantine list")
    assert listed.code == ExitCode.ACTION_REQUIRED
    assert "party_size" in listed.out


async def test_an_item_is_shown_masked(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row(guest_request="Ada")
    show = ("quarantine show", (await find_only_item_id(cli_harness))[:8])
    assert "Ada" not in (await cli_harness.run_command(*show)).out
    assert "Ada" in (await cli_harness.run_command(*show, "--unmask")).out


async def test_an_item_that_still_cannot_be_applied_is_reported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    prefix = (await find_only_item_id(cli_harness))[:8]
    refused = await cli_harness.run_command("quarantine preview", prefix)
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("The event still cannot be applied")


async def test_an_item_is_replayed_after_a_dry_run(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    await webhook_ingest.quarantine_valid_rows(1)
    reservation = paths.reservation_document(firestore, cli_harness.id, "ot_1")
    item_id = await find_only_item_id(cli_harness)
    preview = (await cli_harness.run_command("quarantine preview", item_id, "--json")).json_output
    assert (preview["dryRun"], preview["outcome"]) == (True, "created")
    assert not (await reservation.get()).exists
    assert "created" in (await cli_harness.run_command("quarantine replay", item_id)).out
    assert (await reservation.get()).exists


async def test_an_item_is_dismissed_with_a_reason(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    await webhook_ingest.quarantine_row()
    item_id = await find_only_item_id(cli_harness)
    await cli_harness.run_command("quarantine dismiss", item_id, "--because", "a test")
    items = paths.quarantine_collection(firestore, cli_harness.id)
    stored = (await items.document(item_id).get()).to_dict() or {}
    assert (stored["status"], stored["dismissReason"]) == ("DISMISSED", "a test")
    assert stored["resolvedBy"].startswith("operator:")
    assert (await cli_harness.run_command("quarantine list")).code == ExitCode.SUCCESS


async def test_an_ambiguous_start_of_an_id_is_rejected(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    for number in range(17):  # of 17 hexadecimal ids, two start with the same digit
        await webhook_ingest.quarantine_row(guest_request=f"Ada {number}")
    items = (await cli_harness.run_command("quarantine list", "--json")).json_output["items"]
    [(start, _)] = Counter(item["id"][0] for item in items).most_common(1)
    refused = await cli_harness.run_command("quarantine preview", start)
    assert (refused.code, f"items start with {start}" in refused.errors) == (ExitCode.FAILED, True)


async def test_all_items_of_a_reason_are_replayed(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_valid_rows(1, 2)
    await webhook_ingest.quarantine_row()
    options = ("--reason", "unusable_settings", "--yes", "--json")
    done = (await cli_harness.run_command("quarantine replay", *options)).json_output
    assert (done["matching"], done["processed"], done["rejected"]) == (2, 2, 0)
    listed = (await cli_harness.run_command("quarantine list", "--json")).json_output
    assert listed["openCount"] == 1


async def test_one_item_that_cannot_be_replayed_does_not_stop_the_others(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    await webhook_ingest.quarantine_row(guest_request="Ada")
    options = ("--reason", "invalid_party_size", "--yes", "--json")
    done = await cli_harness.run_command("quarantine replay", *options)
    assert (done.code, done.json_output["rejected"]) == (ExitCode.ACTION_REQUIRED, 2)


async def test_all_items_of_a_reason_are_dismissed_after_a_confirmation(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    await webhook_ingest.quarantine_row(guest_request="Ada")
    options = ("--reason", "invalid_party_size", "--because", "a test")
    assert (await cli_harness.run_command("quarantine dismiss", *options)).code == ExitCode.FAILED
    await cli_harness.run_command("quarantine dismiss", *options, "--yes")
    assert (await cli_harness.run_command("quarantine list")).code == ExitCode.SUCCESS
