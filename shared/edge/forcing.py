"""Carrying out the plan of a held report, which a person has looked at, against the present.

Each item is asked for by its id and goes through the same ordered apply as everything else; one
that has moved on either side since the plan was made is left alone and listed.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from shared.core.report import ReportStatus
from shared.edge.forced_items import carry_out_items
from shared.edge.held_plans import HeldPlan, open_plan
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.patterns import recount_patterns
from shared.edge.reporting import (
    LEASE_MARGIN_SECONDS,
    answer_of,
    file_report,
    new_report,
    work_on,
)
from shared.edge.run import Run
from shared.edge.services import Services
from shared.edge.upkeep import fetch_guests
from shared.errors import ForceRefusedError


async def force_held(
    services: Services, restaurant_id: str, report_id: str, seconds: float
) -> dict[str, Any]:
    """Carry out the plan of a held report.

    A run that fails on its way (see its report's ``reason``) has carried out what it lists; the
    plan may then be forced again for the rest.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        report_id: The held report's.
        seconds: The budget.

    Returns:
        The new report's part of the answer.

    Raises:
        ForceRefusedError: When there is no such plan, or a reconciliation is under way.
        InvalidSettingsError: When the restaurant has no settings.
        LedgerUnavailableError: When Firestore cannot be asked now.
    """
    leases = Leases(services.firestore, services.clock)
    life = timedelta(seconds=seconds + LEASE_MARGIN_SECONDS)
    lease = await leases.take(restaurant_id, "reconciliation", life)
    if lease is None:
        raise ForceRefusedError(
            "RUN_UNDER_WAY", "A reconciliation is under way: try again in a few minutes."
        )
    try:
        return await _force(services, lease, report_id, Deadline.after(seconds))
    finally:
        await leases.end(lease, {})


async def _force(
    services: Services, lease: Lease, report_id: str, deadline: Deadline
) -> dict[str, Any]:
    plan = await open_plan(services.firestore, lease.restaurant_id, report_id)
    report = new_report(services, lease.restaurant_id, plan.window, report_id)
    await work_on(services, lease, report, deadline, partial(_carry_out, plan))
    await file_report(services, report)
    if report.status is ReportStatus.COMPLETED:
        await plan.mark_forced(report.report_id, services.clock())
    return answer_of(report)


async def _carry_out(plan: HeldPlan, run: Run) -> None:
    """Carry the items out, then fetch the guests whom these reservations name."""
    applied = [each async for items in plan.items() for each in await carry_out_items(run, items)]
    await recount_patterns(run.connection, run.report.window)
    await fetch_guests(run.connection, {}, applied)
