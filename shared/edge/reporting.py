"""Work of which a report tells however it ends."""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from shared.core.cursor import poll_cursor_from_document
from shared.core.report import ReconciliationReport, ReportStatus
from shared.core.settings import parse_settings
from shared.core.window import DateWindow
from shared.edge.connection import load_restaurant_context
from shared.edge.leases import Lease
from shared.edge.opentable.clock import Deadline
from shared.edge.reports import store_report
from shared.edge.run import ReconciliationRun
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, format_error_location, log_event
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError

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
