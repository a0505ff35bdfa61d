"""One reconciliation from its lease to its stored report, whatever happens in between."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.report import DivergenceType, ReconciliationReport, ReportStatus
from shared.core.settings import parse_settings
from shared.core.window import resolve_window
from shared.edge.backlog import log_quarantine_backlog
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.reconciliation import reconcile_window
from shared.edge.reporting import (
    EXPECTED_ERRORS,
    LEASE_MARGIN_SECONDS,
    create_report,
    run_with_report,
    store_and_log_report,
    summarize_report,
)
from shared.edge.services import AppContext
from shared.edge.silence import update_webhook_silence
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.edge.together import gather_all
from shared.edge.upkeep import delete_expired_documents


class ReconciliationRequest(Struct, frozen=True):
    """Which reconciliation is asked for.

    Attributes:
        start: First local date, None for yesterday.
        end: Last local date, None for 30 days ahead.
        is_dry_run: Whether only a report is wanted.
    """

    start: date | None = None
    end: date | None = None
    is_dry_run: bool = False


async def reconcile_restaurant(
    context: AppContext,
    request: ReconciliationRequest,
    restaurant_id: str,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Reconcile one restaurant, unless another run of it is under way.

    Args:
        context: The process's services.
        request: Which window, and whether dry.
        restaurant_id: Lineup's id.
        deadline: Bounds the work; by default a run's whole budget from now.

    Returns:
        Its part of the answer; a failure is told in it and in the report, never raised.
    """
    deadline = deadline or Deadline.after(context.environment.run_budget_seconds)
    leases = Leases(context.firestore, context.clock)
    try:
        duration = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
        lease = await leases.acquire(restaurant_id, "reconciliation", duration)
        if lease is None:
            return {"restaurantId": restaurant_id, "status": "SKIPPED"}
        report = _create_window_report(context, lease, request)
        await run_with_report(
            context, lease, report, deadline, reconcile_window, is_dry_run=request.is_dry_run
        )
        finish = _finish_run(context, leases, lease, report, is_dry_run=request.is_dry_run)
        final_steps = [finish, log_quarantine_backlog(context, restaurant_id)]
        if context.environment.firestore_emulator:
            final_steps.append(delete_expired_documents(context))
        await gather_all(*final_steps)
    except EXPECTED_ERRORS as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "FAILED", "error": str(error)}
    return summarize_report(report)


def _create_window_report(
    context: AppContext, lease: Lease, request: ReconciliationRequest
) -> ReconciliationReport:
    zone = parse_settings(lease.restaurant_id, lease.document).zone or ZoneInfo("UTC")
    window = resolve_window(context.clock(), zone, request.start, request.end)
    return create_report(context, lease.restaurant_id, window)


async def _finish_run(
    context: AppContext,
    leases: Leases,
    lease: Lease,
    report: ReconciliationReport,
    *,
    is_dry_run: bool,
) -> None:
    """File the report, note what it tells of the webhooks, and give the lease back."""
    await store_and_log_report(context, report)
    if not is_dry_run:
        await update_webhook_silence(context, lease, report.missed_webhooks)
    await leases.release(lease, _build_run_state(lease, report))


def _build_run_state(lease: Lease, report: ReconciliationReport) -> dict[str, Any]:
    """Return what the next run must know of this one; a failed one found out nothing."""
    state: dict[str, Any] = {
        "reconciliation.lastReportId": report.report_id,
        "reconciliation.lastStatus": report.status.value,
        "reconciliation.lastReconciledAt": report.reconciled_at,
    }
    if report.status is not ReportStatus.FAILED:
        divergence_types = {entry["type"] for entry in report.divergences}
        state["reconciliation.wrongTimeZone"] = DivergenceType.WRONG_TIME_ZONE in divergence_types
    if report.status is ReportStatus.COMPLETED:
        state["reconciliation.timeZone"] = lease.document.get("timeZone")
    return state
