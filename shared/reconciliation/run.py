"""Work of which a report tells however it ends.

One reconciliation from its lease to its stored report, whatever happens in between.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.concurrency import Deadline, gather_all
from shared.context import AppContext, load_restaurant_context
from shared.domain.backfill import DateWindow, resolve_window
from shared.domain.polling import poll_cursor_from_document
from shared.domain.reconciliation.report import DivergenceType, ReconciliationReport, ReportStatus
from shared.domain.settings import parse_settings
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError
from shared.firestore.leases import Lease, acquire_lease
from shared.log import LogEvent, Severity, format_error_location, log_event
from shared.polling.webhook_health import update_webhook_silence
from shared.quarantine.store import log_quarantine_backlog
from shared.reconciliation.compare import ReconciliationRun
from shared.reconciliation.maintenance import delete_expired_documents
from shared.reconciliation.reconcile import reconcile_window
from shared.reconciliation.report_store import store_report

LEASE_MARGIN_SECONDS = 60.0
EXPECTED_ERRORS = (InvalidSettingsError, ServiceUnavailableError, OpenTableError)
_FORCE_AGAIN_ADVICE = "What is listed was carried out: force the held plan again for the rest."


def create_report(
    context: AppContext, restaurant_id: str, window: DateWindow, held_report_id: str | None = None
) -> ReconciliationReport:
    """Return the report of a run that begins now.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        window: The days that it is about.
        held_report_id: The held report whose plan it carries out, if any.
    """
    now = context.clock()
    return ReconciliationReport(
        report_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        restaurant_id=restaurant_id,
        window=window,
        reconciled_at=now,
        held_report_id=held_report_id,
    )


async def run_with_report(  # noqa: PLR0913 -- each is a different thing, and two call sites name them
    context: AppContext,
    lease: Lease,
    report: ReconciliationReport,
    deadline: Deadline,
    work: Callable[[ReconciliationRun], Awaitable[None]],
    *,
    is_dry_run: bool = False,
) -> None:
    """Do a run's work; its report, which is still to be filed, tells how that ended.

    Args:
        context: The process's services.
        lease: The right to it.
        report: What is written down.
        deadline: Bounds the work.
        work: Does it.
        is_dry_run: Whether nothing but the report may be written.
    """
    started_seconds = time.monotonic()
    try:
        settings = parse_settings(lease.restaurant_id, lease.document)
        restaurant = await load_restaurant_context(context, settings, deadline)
        cursor = poll_cursor_from_document(lease.document)
        was_time_zone_wrong = lease.state.get("wrongTimeZone") is True
        previous_time_zone = lease.state.get("timeZone")
        await work(
            ReconciliationRun(
                restaurant, report, cursor, is_dry_run, was_time_zone_wrong, previous_time_zone
            )
        )
    except EXPECTED_ERRORS as error:
        advice = f" {_FORCE_AGAIN_ADVICE}" if report.held_report_id else ""
        report.status, report.reason = ReportStatus.FAILED, f"{error}{advice}"
    except Exception as error:  # noqa: BLE001 -- the report of a run that we spoilt is stored too
        _record_internal_error(report, error)
    report.duration_ms = round((time.monotonic() - started_seconds) * 1000)


async def store_and_log_report(context: AppContext, report: ReconciliationReport) -> None:
    """Store a run's report, and log it.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    await store_report(context.firestore, report)
    _log_report(report)


def _record_internal_error(report: ReconciliationReport, error: Exception) -> None:
    name = type(error).__name__
    report.status = ReportStatus.FAILED
    report.reason = f"A fault of ours ({name}); see the log."
    where = format_error_location(error)
    log_event(
        Severity.ERROR,
        LogEvent.INTERNAL_ERROR,
        restaurantId=report.restaurant_id,
        error=name,
        where=where,
    )


def _log_report(report: ReconciliationReport) -> None:
    is_success = report.status in {ReportStatus.COMPLETED, ReportStatus.DRY_RUN}
    log_event(
        Severity.INFO if is_success else Severity.ERROR,
        LogEvent.RECONCILIATION,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        status=report.status.value,
        error=report.reason,
        heldReportId=report.held_report_id,
        compared=report.compared_count,
        newDivergences=report.new_divergences,
        missedWebhooks=report.missed_webhooks.count,
        durationMs=report.duration_ms,
        **report.count_entries(),
    )


def summarize_report(report: ReconciliationReport) -> dict[str, Any]:
    """Return a report's part of the answer to who asked for the run."""
    return {
        "restaurantId": report.restaurant_id,
        "reportId": report.report_id,
        "status": report.status.value,
        **report.count_entries(),
        **({"error": report.reason} if report.reason else {}),
    }


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
    duration = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
    try:
        async with acquire_lease(
            context.firestore, context.clock, restaurant_id, "reconciliation", duration
        ) as lease:
            if lease is None:
                return {"restaurantId": restaurant_id, "status": "SKIPPED"}
            report = _create_window_report(context, lease, request)
            await run_with_report(
                context, lease, report, deadline, reconcile_window, is_dry_run=request.is_dry_run
            )
            finish = _finish_run(context, lease, report, is_dry_run=request.is_dry_run)
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
    lease: Lease,
    report: ReconciliationReport,
    *,
    is_dry_run: bool,
) -> None:
    """File the report, note what it tells of the webhooks, and give the lease back."""
    await store_and_log_report(context, report)
    if not is_dry_run:
        await update_webhook_silence(context, lease, report.missed_webhooks)
    await lease.release(_build_run_state(lease, report))


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
