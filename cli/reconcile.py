"""The command `reconcile`: run a reconciliation now, or carry out a held plan."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import click

from cli.context import OperatorClient, restaurant_command
from cli.output import CommandError, CommandResult, Console, RetryLaterError
from shared.concurrency import Deadline
from shared.domain.backfill import resolve_window
from shared.reconciliation.forced_plan import force_held_report
from shared.reconciliation.run import ReconciliationRequest, reconcile_restaurant

_POLL_INTERVAL_SECONDS = 1.0
_MAX_LINES_PER_LIST = 20
_REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
_NEXT_STEPS = {
    "HELD": "Nothing was changed: check the plan, then carry it out with --force {reportId}.",
    "DRY_RUN": "Nothing was changed: a run without --dry-run would do this.",
    "FAILED": "The run failed after the listed changes. Correct the reason, then run it again.",
}
_LOCAL_DATE = click.DateTime(formats=["%Y-%m-%d"])

ReportJson: TypeAlias = Mapping[str, Any]


@restaurant_command("reconcile", example="reconcile restaurant-123 --dry-run")
@click.option(
    "--start", type=_LOCAL_DATE, metavar="DATE", help="First local date. Default: yesterday."
)
@click.option(
    "--end", type=_LOCAL_DATE, metavar="DATE", help="Last local date. Default: 30 days ahead."
)
@click.option("--dry-run", is_flag=True, help="Report the differences and change nothing.")
@click.option("--force", metavar="REPORT", help="Carry out the plan of a held report.")
async def reconcile_now(
    api: OperatorClient,
    console: Console,
    *,
    start: datetime | None,
    end: datetime | None,
    dry_run: bool,
    force: str | None,
) -> CommandResult:
    """Compare the ledger with OpenTable now, as the hourly run does.

    Corrects the ledger where OpenTable is newer and prints the report. Dates are YYYY-MM-DD.
    """
    if force:
        console.confirm(f"The plan of report {force} will be carried out.")
        seconds = api.app_context.environment.run_budget_seconds
        result = await force_held_report(api.app_context, api.restaurant_id, force, seconds)
        return await _print_report(api, console, result["reportId"])
    start_date, end_date = (moment and moment.date() for moment in (start, end))
    # Checked here for a clear message; the run computes the dates again in the restaurant's zone.
    try:
        resolve_window(api.app_context.clock(), ZoneInfo("UTC"), start_date, end_date)
    except ValueError as error:
        raise CommandError(f"{error}.") from None
    request = ReconciliationRequest(start_date, end_date, dry_run)
    return await reconcile_and_print_report(api, console, request)


async def reconcile_and_print_report(
    api: OperatorClient, console: Console, request: ReconciliationRequest
) -> CommandResult:
    """Run a reconciliation as soon as no other run holds the lease, and print its report."""
    deadline, is_waiting = Deadline.after(api.app_context.environment.run_budget_seconds), False
    while True:
        result = await reconcile_restaurant(api.app_context, request, api.restaurant_id)
        if result["status"] != "SKIPPED":  # another run holds the lease, e.g. the hourly one
            break
        if not deadline.remaining():
            raise RetryLaterError(
                "Another reconciliation is still running: run the command again later."
            )
        if not is_waiting:
            is_waiting = True
            console.print_step("Reconcile", "another run is in progress; waiting for it")
        await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    if "reportId" not in result:
        raise CommandError(result["error"])
    return await _print_report(api, console, result["reportId"])


async def _print_report(api: OperatorClient, console: Console, report_id: str) -> CommandResult:
    report = await api.get(f"reports/{report_id}")
    for line in format_report(report):
        console.print_line(line)
    return CommandResult(report, is_action_required=requires_action(report))


def requires_action(report: ReportJson) -> bool:
    """Whether a person must look at a report."""
    return report["status"] in {"HELD", "FAILED"} or report["newDivergences"] > 0


def format_report(report: ReportJson) -> Iterator[str]:
    """Yield the lines of a report; each list is cut after `_MAX_LINES_PER_LIST` entries."""
    counts = report["counts"]
    yield f"Report {report['reportId']}: {report['status']}"
    if report["reason"]:
        yield f"  {report['reason']}"
    yield f"  {report['startDate']} to {report['endDate']}, local dates"
    yield (
        f"  OpenTable has {report['openTableCount']}, the ledger {report['ledgerCount']}; "
        f"compared {report['comparedCount']}, equal {report['unchangedCount']}"
    )
    totals = [f"{name} {counts[name]}" for name in ("created", "updated", "cancelled")]
    totals.append(f"divergences {counts['divergences']} ({report['newDivergences']} new)")
    totals += [f"{name} {counts[name]}" for name in ("missing", "skipped") if counts[name]]
    yield f"  {', '.join(totals)}; late webhooks {report['missedWebhooks']}"
    for name in _REPORT_LISTS:
        for entry in report[name][:_MAX_LINES_PER_LIST]:
            yield f"  {name:<11}  {entry['externalId'] or ''}  {_format_entry(entry)}".rstrip()
        if counts[name] > _MAX_LINES_PER_LIST:
            yield f"  {name:<11}  … and {counts[name] - _MAX_LINES_PER_LIST} more: --json lists all"
    if report["status"] in _NEXT_STEPS:
        yield _NEXT_STEPS[report["status"]].format(reportId=report["reportId"])


def _format_entry(entry: ReportJson) -> str:
    parts = [str(entry[name]) for name in ("type", "reason") if name in entry]
    for path, change in (entry.get("changes") or {}).items():
        if change.get("personal"):
            parts.append(f"{path} (personal)")
        else:
            old, new = (
                "nothing" if value in (None, "", []) else value
                for value in (change["from"], change["to"])
            )
            parts.append(f"{path} {old} → {new}")
    return "; ".join(parts)
