"""The command `reconcile`, and `reports …`: list and read its reports, and apply a held plan."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote
from zoneinfo import ZoneInfo

import click

from cli.api import OperatorClient
from cli.command import Count, Moment, restaurant_command
from cli.help import LedgerGroup
from cli.output import CommandError, CommandResult, Console, RetryLaterError
from shared.concurrency import Deadline
from shared.domain.days import resolve_window
from shared.reconciliation.plan_execution import execute_held_plan
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant

_POLL_INTERVAL_SECONDS = 1.0
_LOCAL_DATE = Moment("2026-12-01", formats=["%Y-%m-%d"])
_MAX_LINES_PER_LIST = 20
_REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
_NEXT_STEPS = {
    "HELD": "Nothing was changed: check the plan, then apply it with `ledger reports apply "
    "{restaurantId} {reportId}`.",
    "DRY_RUN": "Nothing was changed: a run without --dry-run would do this.",
    "FAILED": "The run failed after the listed changes. Correct the reason, then run it again.",
}

ReportJson: TypeAlias = Mapping[str, Any]


@restaurant_command(
    "reconcile",
    examples=[
        "ledger reconcile restaurant-123",
        "ledger reconcile restaurant-123 --dry-run",
        "ledger reconcile restaurant-123 --start 2026-12-01 --end 2026-12-31",
    ],
)
@click.option(
    "--start", type=_LOCAL_DATE, metavar="DATE", help="First local date. Default: yesterday."
)
@click.option(
    "--end", type=_LOCAL_DATE, metavar="DATE", help="Last local date. Default: 30 days ahead."
)
@click.option("--dry-run", is_flag=True, help="Report the differences and change nothing.")
async def reconcile(
    api: OperatorClient,
    console: Console,
    *,
    start: datetime | None,
    end: datetime | None,
    dry_run: bool,
) -> CommandResult:
    """Compare the ledger with OpenTable now, as the hourly run does.

    Corrects the ledger where OpenTable is newer and prints the report. Dates are YYYY-MM-DD.
    """
    start_date, end_date = (moment and moment.date() for moment in (start, end))
    # Checked here for a clear message; the run computes the dates again in the restaurant's zone.
    try:
        resolve_window(api.app_context.clock(), ZoneInfo("UTC"), start_date, end_date)
    except ValueError as error:
        raise CommandError(str(error)) from None
    options = ReconciliationOptions(start_date, end_date, dry_run)
    return await reconcile_and_print_report(api, console, options)


async def reconcile_and_print_report(
    api: OperatorClient, console: Console, options: ReconciliationOptions
) -> CommandResult:
    """Run a reconciliation as soon as no other run holds the lease, and print its report."""
    deadline, is_waiting = Deadline.after(api.app_context.environment.run_budget_seconds), False
    while True:
        result = await reconcile_restaurant(api.app_context, options, api.restaurant_id)
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
    if result["status"] == "disabled":
        raise CommandError(
            f"The integration of {api.restaurant_id} is disabled: "
            f"`ledger restaurants resume {api.restaurant_id}` enables it."
        )
    if "reportId" not in result:
        raise CommandError(result["error"])
    return await print_report(api, console, result["reportId"])


@restaurant_command(
    "list",
    examples=["ledger reports list restaurant-123", "ledger reports list restaurant-123 --limit 5"],
)
@click.option("--limit", type=Count(1, 200), default=20, help="How many reports.")
async def print_reports(api: OperatorClient, console: Console, *, limit: int) -> CommandResult:
    """List the newest reconciliation reports."""
    response = await api.get("reports", limit=limit)
    rows = [("report", "status", "from", "to", "changed", "divergences")]
    for report in response["reports"]:
        counts = report["counts"]
        changed = counts["created"] + counts["updated"] + counts["cancelled"]
        dates = (report["startDate"], report["endDate"])
        rows.append(
            (report["reportId"], report["status"], *dates, str(changed), str(counts["divergences"]))
        )
    console.print_list(rows, empty="There is no report yet: `ledger reconcile` makes one.")
    return CommandResult(response)


@restaurant_command(
    "show",
    examples=[
        "ledger reports show restaurant-123",
        "ledger reports show restaurant-123 20261124T231927Z-eab56e99",
    ],
)
@click.argument("report", default="latest", help="Id of a report. Default: the newest one.")
async def show_report(api: OperatorClient, console: Console, *, report: str) -> CommandResult:
    """Show a reconciliation report."""
    return await print_report(api, console, report)


@restaurant_command(
    "apply",
    examples=["ledger reports apply restaurant-123 20261124T231927Z-eab56e99"],
)
@click.argument("report", help="Id of a held report.")
async def apply_report(api: OperatorClient, console: Console, *, report: str) -> CommandResult:
    """Carry out the plan of a held report.

    Each item is checked again: items that changed since are skipped and listed. Read the plan
    first, with `ledger reports show`.
    """
    plan = await api.get(f"reports/{quote(report, safe='')}")
    report_id = plan["reportId"]
    # `execute_held_plan` refuses any other status, with the reason.
    if plan["status"] == "HELD":
        parts = [f"{count} {name}" for name, count in plan["counts"].items() if count]
        console.confirm(f"The plan of report {report_id} will be carried out: {', '.join(parts)}.")
    seconds = api.app_context.environment.run_budget_seconds
    result = await execute_held_plan(api.app_context, api.restaurant_id, report_id, seconds)
    return await print_report(api, console, result["reportId"])


async def print_report(api: OperatorClient, console: Console, report_id: str) -> CommandResult:
    """Print a report; the exit code shows whether a person must look at it."""
    report = await api.get(f"reports/{quote(report_id, safe='')}")
    for line in format_report(api.restaurant_id, report):
        console.print_line(line)
    return CommandResult(report, is_action_required=requires_action(report))


def requires_action(report: ReportJson) -> bool:
    """Whether a person must look at a report."""
    return report["status"] in {"HELD", "FAILED"} or (report["newDivergences"] or 0) > 0


def format_report(restaurant_id: str, report: ReportJson) -> Iterator[str]:
    """Yield the lines of a report; each list is cut after `_MAX_LINES_PER_LIST` entries."""
    counts = report["counts"]

    def show(name: str) -> str:
        # Unknown after a failed run, and for a plan that compared no window.
        return "unknown" if report[name] is None else str(report[name])

    yield f"Report {report['reportId']}: {report['status']}"
    if report["reason"]:
        yield f"  {report['reason']}"
    yield f"  {report['startDate']} to {report['endDate']}, local dates"
    yield (
        f"  OpenTable has {show('openTableCount')}, the ledger {show('ledgerCount')}; "
        f"compared {show('comparedCount')}, equal {show('unchangedCount')}"
    )
    totals = [f"{name} {counts[name]}" for name in ("created", "updated", "cancelled")]
    totals.append(f"divergences {counts['divergences']} ({show('newDivergences')} new)")
    totals += [f"{name} {counts[name]}" for name in ("missing", "skipped") if counts[name]]
    yield f"  {', '.join(totals)}; late webhooks {show('missedWebhooks')}"
    for name in _REPORT_LISTS:
        for entry in report[name][:_MAX_LINES_PER_LIST]:
            yield f"  {name:<11}  {entry['externalId'] or ''}  {_format_entry(entry)}".rstrip()
        if counts[name] > _MAX_LINES_PER_LIST:
            yield f"  {name:<11}  {counts[name] - _MAX_LINES_PER_LIST} more: --json lists all"
    if report["status"] in _NEXT_STEPS:
        yield _NEXT_STEPS[report["status"]].format(
            restaurantId=restaurant_id, reportId=report["reportId"]
        )


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


reports = LedgerGroup(
    "reports",
    help="Read reconciliation reports, and apply held plans.",
    commands=[print_reports, show_report, apply_report],
    examples=["ledger reports show restaurant-123"],
)
