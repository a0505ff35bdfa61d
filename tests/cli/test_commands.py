"""Status, quarantine and reports as an operator sees them, and works through them.

How far a backfill is, in one line.
"""

import asyncio
import io
import os

import pytest
from google.cloud.firestore import DELETE_FIELD, AsyncClient
from typing_extensions import override

from cli.backfill import format_progress
from cli.console import Console
from cli.desk import open_operator_client
from cli.endings import ExitCode
from cli.reconcile import reconcile_and_print_report
from shared.config import read_environment
from shared.context import build_app_context
from shared.firestore import paths
from shared.reconciliation.run import ReconciliationRequest
from shared.staff.auth import build_api_context
from tests.cli.harness import CliHarness, WebhookIngest
from tests.support.events import row_body


@pytest.fixture
async def webhook_ingest(cli_harness: CliHarness, firestore: AsyncClient) -> WebhookIngest:
    """The webhooks of the shop, which is onboarded."""
    await cli_harness.onboard()
    return WebhookIngest(firestore, cli_harness.id, cli_harness.rid)


async def quarantine_row(heard: WebhookIngest) -> None:
    unreadable = {"rid": int(heard.rid), "id": f"{heard.rid}-ot_9", "party_size": 0}
    assert await heard.ingest_body(row_body(9, **unreadable)) == "quarantined"


async def give_lease_to_other_run(firestore: AsyncClient, shop: CliHarness) -> None:
    lease = {"owner": "other", "expiresAt": shop.opentable.tomorrow()}
    await paths.integration_document(firestore, shop.id).update({"reconciliation.lease": lease})


class RecordingOutput(io.StringIO):
    """Where words are told; `waits` is set once one says that another run is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    @override
    def write(self, text: str, /) -> int:
        if "waits for it" in text:
            self.waits.set()
        return super().write(text)


async def test_the_status_of_a_healthy_restaurant(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.ingest_row(1)
    done = await cli_harness.run_command("status", "--json")
    assert done.code == ExitCode.SUCCESS
    assert done.json_output.keys() == {"integration", "health", "backfill", "webhookKeys"}
    [use] = done.json_output["webhookKeys"]
    assert (use["scheme"], use["credentialIndex"]) == ("bearer", 0)


async def test_the_status_lists_required_manual_actions(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await quarantine_row(webhook_ingest)
    done = await cli_harness.run_command("status")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! 1 statements wait in the quarantine" in done.out


async def test_the_quarantine_is_listed(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await quarantine_row(webhook_ingest)
    listed = await cli_harness.run_command("replay")
    assert listed.code == ExitCode.ACTION_REQUIRED
    assert "party_size" in listed.out


async def test_an_item_is_shown_masked(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    body = row_body(
        9,
        rid=int(webhook_ingest.rid),
        id=f"{webhook_ingest.rid}-ot_9",
        party_size=0,
        guest_request="Ada",
    )
    await webhook_ingest.ingest_body(body)
    [item] = (await cli_harness.run_command("replay", "--json")).json_output["items"]
    assert "Ada" not in (await cli_harness.run_command("replay", item["id"][:8], "--show")).out
    assert (
        "Ada" in (await cli_harness.run_command("replay", item["id"][:8], "--show", "--unmask")).out
    )


async def test_an_item_that_still_cannot_be_applied_is_reported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await quarantine_row(webhook_ingest)
    [item] = (await cli_harness.run_command("replay", "--json")).json_output["items"]
    refused = await cli_harness.run_command("replay", item["id"][:8], "--dry-run")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("It still cannot be applied")


async def test_an_item_is_replayed_after_a_dry_run(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    settings = paths.integration_document(firestore, cli_harness.id)
    await settings.update({"timeZone": "Nowhere/Town"})
    assert await webhook_ingest.ingest_row(1) == "quarantined"
    await settings.update({"timeZone": "America/New_York"})
    [item] = (await cli_harness.run_command("replay", "--json")).json_output["items"]
    told = (await cli_harness.run_command("replay", item["id"], "--dry-run", "--json")).json_output
    assert (told["dryRun"], told["outcome"]) == (True, "created")
    assert not (await paths.reservation_document(firestore, cli_harness.id, "ot_1").get()).exists
    assert "created" in (await cli_harness.run_command("replay", item["id"])).out
    assert (await paths.reservation_document(firestore, cli_harness.id, "ot_1").get()).exists


async def test_an_item_is_dismissed_with_a_reason(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    await quarantine_row(webhook_ingest)
    [item] = (await cli_harness.run_command("replay", "--json")).json_output["items"]
    await cli_harness.run_command("replay", item["id"], "--dismiss", "a test")
    held = (
        await paths.quarantine_collection(firestore, cli_harness.id).document(item["id"]).get()
    ).to_dict() or {}
    assert (held["status"], held["dismissReason"]) == ("DISMISSED", "a test")
    assert held["settledBy"].startswith("operator:")
    assert (await cli_harness.run_command("replay")).code == ExitCode.SUCCESS


@pytest.mark.usefixtures("webhook_ingest")
async def test_an_unknown_item_is_rejected(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("replay", "nothing", "--dry-run")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.count("\n") == 1


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_dry_run_reports_and_changes_nothing(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    cli_harness.opentable.book_tomorrow(cli_harness.rid, 6)
    before = [
        one.id async for one in paths.reservations_collection(firestore, cli_harness.id).stream()
    ]
    told = await cli_harness.run_command("reconcile", "--dry-run")
    assert "created 1, updated 0" in told.out
    assert "Missing in the ledger" in told.out
    assert [
        one.id async for one in paths.reservations_collection(firestore, cli_harness.id).stream()
    ] == before
    assert (await cli_harness.run_command("reconcile", "--json")).json_output["counts"][
        "created"
    ] == 1


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_too_large_window_gives_a_one_line_error(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("reconcile", "--start", "2020-01-01")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)


@pytest.mark.usefixtures("webhook_ingest")
async def test_an_unknown_plan_cannot_be_executed(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("reconcile", "--force", "nothing", "--yes")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_second_run_is_not_started(
    cli_harness: CliHarness, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_BUDGET_SECONDS", "0.1")
    await give_lease_to_other_run(firestore, cli_harness)
    refused = await cli_harness.run_command("reconcile")
    assert (refused.code, "still under way" in refused.errors) == (ExitCode.RETRY_LATER, True)


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_running_reconciliation_is_awaited(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await give_lease_to_other_run(firestore, cli_harness)
    told = RecordingOutput()
    console = Console(told, told, as_json=False, is_terminal=False, assume_yes=False)
    desk = open_operator_client(
        build_api_context(build_app_context(read_environment(os.environ))), cli_harness.id, "me"
    )
    run = asyncio.create_task(reconcile_and_print_report(desk, console, ReconciliationRequest()))
    await told.waits.wait()
    held = paths.integration_document(firestore, cli_harness.id)
    await held.update({"reconciliation.lease": DELETE_FIELD})
    assert (await run).exit_code == ExitCode.SUCCESS


@pytest.mark.parametrize(
    "done, seconds, line",
    [
        (0, None, "░░░░░░░░░░░░░░░░░░░░░░░░ 0 of 396 days, 7 rows"),
        (198, 90, "████████████░░░░░░░░░░░░ 198 of 396 days, 7 rows, about 2 min left"),
        (396, 9, "████████████████████████ 396 of 396 days, 7 rows, about 9 s left"),
    ],
)
def test_days_rows_and_the_estimate_are_printed(done: int, seconds: int | None, line: str) -> None:
    told = {"daysDone": done, "daysTotal": 396, "fetched": 7, "secondsLeft": seconds}
    assert format_progress(told) == line
