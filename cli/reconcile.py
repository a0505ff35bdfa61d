"""`reconcile_now`: both sides compared now, the report told; or a held plan carried out."""

import argparse
import asyncio
from typing import Any
from zoneinfo import ZoneInfo

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import CommandResult, RetryLaterError
from cli.report_text import format_report, requires_action
from shared.concurrency import Deadline
from shared.domain.backfill import resolve_window
from shared.errors import InvalidSettingsError
from shared.reconciliation.forced_plan import force_held_report
from shared.reconciliation.run import ReconciliationRequest, reconcile_restaurant

_POLL_INTERVAL_SECONDS = 1.0


async def reconcile_now(
    api: OperatorClient, console: Console, args: argparse.Namespace
) -> CommandResult:
    """Run a reconciliation as the hourly function does, and tell its report.

    Raises:
        TryAgainError: When another run of it does not end within a run's budget.
        InvalidSettingsError: When the restaurant has no settings.
    """
    if args.force:
        console.confirm(f"The plan of {args.force} will be carried out.")
        seconds = api.app_context.environment.run_budget_seconds
        result = await force_held_report(api.app_context, api.restaurant_id, args.force, seconds)
        return await print_report(api, console, result["reportId"])
    _validate_window(api, args)
    return await reconcile_and_print_report(
        api, console, ReconciliationRequest(args.start, args.end, args.dry_run)
    )


async def reconcile_and_print_report(
    api: OperatorClient, console: Console, request: ReconciliationRequest
) -> CommandResult:
    """Run a reconciliation, after any run in progress, and print its report."""
    result = await _run_when_idle(api, console, request)
    if "reportId" not in result:
        raise InvalidSettingsError(result["error"])
    return await print_report(api, console, result["reportId"])


async def _run_when_idle(
    api: OperatorClient, console: Console, request: ReconciliationRequest
) -> dict[str, Any]:
    """Run it once no other run holds the lease, as the hourly one may at any moment."""
    deadline, is_waiting = Deadline.after(api.app_context.environment.run_budget_seconds), False
    while True:
        result = await reconcile_restaurant(api.app_context, request, api.restaurant_id)
        if result["status"] != "SKIPPED":
            return result
        if not deadline.remaining():
            raise RetryLaterError(
                "Another reconciliation is still under way: run this again later."
            )
        if not is_waiting:
            console.print_step("Reconcile", "another run is under way; this one waits for it")
        is_waiting = True
        await asyncio.sleep(_POLL_INTERVAL_SECONDS)


async def print_report(api: OperatorClient, console: Console, report_id: str) -> CommandResult:
    """Tell a stored report."""
    report = await api.get(f"reports/{report_id}")
    for line in format_report(report):
        console.print_line(line)
    return CommandResult(report, is_action_required=requires_action(report))


def _validate_window(api: OperatorClient, args: argparse.Namespace) -> None:
    try:
        resolve_window(api.app_context.clock(), ZoneInfo("UTC"), args.start, args.end)
    except ValueError as error:
        raise InvalidSettingsError(f"{error}.") from None
