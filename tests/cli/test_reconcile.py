"""A reconciliation on request, and its report as text."""

import asyncio
import io
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD, AsyncClient
from typing_extensions import override

from cli.api import open_operator_session
from cli.output import Console, ExitCode
from cli.reports import format_report, reconcile_and_print_report, requires_action
from functions.api.auth import build_api_context
from shared.config import read_environment
from shared.context import build_app_context
from shared.firestore import paths
from shared.reconciliation.run import ReconciliationOptions
from tests.cli.harness import CliHarness

LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")


def build_report(status: str = "COMPLETED", **changes: Any) -> dict[str, Any]:
    lists: dict[str, list[dict[str, Any]]] = {name: changes.pop(name, []) for name in LISTS}
    return {
        "reportId": "r-1",
        "status": status,
        "reason": None,
        "startDate": "2026-03-08",
        "endDate": "2026-04-08",
        "openTableCount": 5,
        "ledgerCount": 4,
        "comparedCount": 5,
        "unchangedCount": 3,
        "newDivergences": 0,
        "missedWebhooks": 1,
        "counts": {name: len(entries) for name, entries in lists.items()},
        **lists,
        **changes,
    }


def report_text(report: dict[str, Any]) -> str:
    return "\n".join(format_report("bistro-7", report))


async def give_lease_to_other_run(firestore: AsyncClient, cli_harness: CliHarness) -> None:
    expires_at = datetime.now(UTC) + timedelta(minutes=9)
    lease = {"owner": "other", "expiresAt": expires_at}
    integration = paths.integration_document(firestore, cli_harness.id)
    await integration.update({"reconciliation.lease": lease})


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_dry_run_reports_and_changes_nothing(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    cli_harness.opentable.book_tomorrow(cli_harness.rid, 6)
    before = [stored.id async for stored in reservations.stream()]
    dry_run = await cli_harness.run_command("reconcile", "--dry-run")
    assert "created 1, updated 0" in dry_run.out
    assert "Missing in the ledger" in dry_run.out
    assert [stored.id async for stored in reservations.stream()] == before
    report = (await cli_harness.run_command("reconcile", "--json")).json_output
    assert report["counts"]["created"] == 1


@pytest.mark.usefixtures("webhook_ingest")
async def test_reports_are_listed_and_shown(cli_harness: CliHarness) -> None:
    listed = (await cli_harness.run_command("reports list", "--json")).json_output["reports"]
    latest = (await cli_harness.run_command("reports show", "--json")).json_output
    assert [report["reportId"] for report in listed] == [latest["reportId"]]
    shown = await cli_harness.run_command("reports show", latest["reportId"])
    assert shown.out.splitlines()[1] == f"Report {latest['reportId']}: COMPLETED"


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_second_run_is_not_started(
    cli_harness: CliHarness, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_BUDGET_SECONDS", "0.1")
    await give_lease_to_other_run(firestore, cli_harness)
    refused = await cli_harness.run_command("reconcile")
    assert (refused.code, "still running" in refused.errors) == (ExitCode.RETRY_LATER, True)


class RecordingOutput(io.StringIO):
    """Sets `is_waiting` when a message says that the command waits for another run."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waiting = asyncio.Event()

    @override
    def write(self, text: str, /) -> int:
        if "waiting for it" in text:
            self.is_waiting.set()
        return super().write(text)


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_running_reconciliation_is_awaited(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await give_lease_to_other_run(firestore, cli_harness)
    output = RecordingOutput()
    api_context = build_api_context(build_app_context(read_environment(os.environ)))
    api = open_operator_session(api_context, "me").restaurant(cli_harness.id)
    run = asyncio.create_task(
        reconcile_and_print_report(api, Console(output, output), ReconciliationOptions())
    )
    await output.is_waiting.wait()
    integration = paths.integration_document(firestore, cli_harness.id)
    await integration.update({"reconciliation.lease": DELETE_FIELD})
    assert (await run).exit_code == ExitCode.SUCCESS


def test_counts_are_printed() -> None:
    created = [{"externalId": "ot_1", "reason": "Missing in the ledger"}]
    text = report_text(build_report(created=created))
    assert "OpenTable has 5, the ledger 4; compared 5, equal 3" in text
    assert "created 1, updated 0, cancelled 0, divergences 0 (0 new); late webhooks 1" in text
    assert "created      ot_1  Missing in the ledger" in text


def test_changed_fields_are_printed_without_personal_data() -> None:
    changes = {"partySize": {"from": 2, "to": 4}, "metadata.venueNotes": {"personal": True}}
    text = report_text(build_report(updated=[{"externalId": "ot_1", "changes": changes}]))
    assert "ot_1  partySize 2 → 4; metadata.venueNotes (personal)" in text


def test_an_empty_value_is_printed_as_nothing() -> None:
    changes = {"startAt": {"from": None, "to": ""}, "partySize": {"from": 0, "to": 2}}
    text = report_text(build_report(updated=[{"externalId": "ot_1", "changes": changes}]))
    assert "startAt nothing → nothing; partySize 0 → 2" in text


def test_a_long_list_is_truncated_with_a_note() -> None:
    skipped = [{"externalId": f"ot_{n}", "reason": "moved"} for n in range(25)]
    text = report_text(build_report(skipped=skipped))
    assert text.count("moved") == 20
    assert "5 more: --json lists all" in text


@pytest.mark.parametrize(
    "status, hint", [("HELD", "`ledger reports apply bistro-7 r-1`"), ("DRY_RUN", "would do")]
)
def test_the_next_step_is_printed(status: str, hint: str) -> None:
    assert hint in report_text(build_report(status, reason="because"))


@pytest.mark.parametrize(
    "report, expected",
    [
        (build_report(), False),
        (build_report("DRY_RUN"), False),
        (build_report("HELD"), True),
        (build_report("FAILED"), True),
        (build_report(newDivergences=1), True),
        (
            build_report(divergences=[{"type": "UNREADABLE", "externalId": None, "reason": "x"}]),
            False,
        ),
    ],
)
def test_new_or_failed_results_require_action(report: dict[str, Any], expected: bool) -> None:
    assert requires_action(report) is expected
