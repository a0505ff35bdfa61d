"""The command `reconcile`: run a reconciliation now."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from cli.api import OperatorClient
from cli.command import restaurant_command
from cli.output import CommandError, CommandResult, Console, RetryLaterError
from cli.reports import print_report
from shared.concurrency import Deadline
from shared.domain.date_window import resolve_window
from shared.reconciliation.run import ReconciliationRequest, reconcile_restaurant

_POLL_INTERVAL_SECONDS = 1.0
_LOCAL_DATE = click.DateTime(formats=["%Y-%m-%d"])


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
    if result["status"] == "disabled":
        raise CommandError(
            f"The integration of {api.restaurant_id} is disabled: "
            f"`ledger restaurants resume {api.restaurant_id}` enables it."
        )
    if "reportId" not in result:
        raise CommandError(result["error"])
    return await print_report(api, console, result["reportId"])
