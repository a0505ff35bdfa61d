"""Carrying out the plan of a held report, which a person has looked at, against the present.

Each item is asked for by its id and goes through the same ordered apply as everything else; one
that has moved on either side since the plan was made is left alone and listed.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from shared.core.report import ReportStatus
from shared.edge.forced_items import execute_planned_items
from shared.edge.held_plans import HeldPlan, load_held_plan
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.patterns import recount_analytics
from shared.edge.reporting import (
    LEASE_MARGIN_SECONDS,
    create_report,
    run_with_report,
    store_and_log_report,
    summarize_report,
)
from shared.edge.run import ReconciliationRun
from shared.edge.services import AppContext
from shared.edge.upkeep import fetch_guests_after_run
from shared.errors import PlanNotExecutableError


async def force_held_report(
    context: AppContext, restaurant_id: str, report_id: str, budget_seconds: float
) -> dict[str, Any]:
    """Carry out the plan of a held report.

    A run that fails on its way (see its report's ``reason``) has carried out what it lists; the
    plan may then be forced again for the rest.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        report_id: The held report's.
        budget_seconds: The budget.

    Returns:
        The new report's part of the answer.

    Raises:
        ForceRefusedError: When there is no such plan, or a reconciliation is under way.
        InvalidSettingsError: When the restaurant has no settings.
        LedgerUnavailableError: When Firestore cannot be asked now.
    """
    leases = Leases(context.firestore, context.clock)
    duration = timedelta(seconds=budget_seconds + LEASE_MARGIN_SECONDS)
    lease = await leases.acquire(restaurant_id, "reconciliation", duration)
    if lease is None:
        raise PlanNotExecutableError(
            "RUN_IN_PROGRESS", "A reconciliation is under way: try again in a few minutes."
        )
    try:
        return await _execute_report(context, lease, report_id, Deadline.after(budget_seconds))
    finally:
        await leases.release(lease, {})


async def _execute_report(
    context: AppContext, lease: Lease, report_id: str, deadline: Deadline
) -> dict[str, Any]:
    plan = await load_held_plan(context.firestore, lease.restaurant_id, report_id)
    report = create_report(context, lease.restaurant_id, plan.window, report_id)
    await run_with_report(context, lease, report, deadline, partial(_execute_items, plan))
    await store_and_log_report(context, report)
    if report.status is ReportStatus.COMPLETED:
        await plan.mark_executed(report.report_id, context.clock())
    return summarize_report(report)


async def _execute_items(plan: HeldPlan, run: ReconciliationRun) -> None:
    """Carry the items out, then fetch the guests whom these reservations name."""
    applied = [
        result
        async for items in plan.read_batches()
        for result in await execute_planned_items(run, items)
    ]
    await recount_analytics(run.restaurant, run.report.window)
    await fetch_guests_after_run(run.restaurant, {}, applied)
