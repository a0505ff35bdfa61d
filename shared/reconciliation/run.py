"""Run one restaurant's reconciliation: take the lease, reconcile, store and log the report."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.concurrency import Deadline, gather_all
from shared.context import AppContext, load_restaurant_context
from shared.domain.backfill import DateWindow, resolve_window
from shared.domain.polling import poll_cursor_from_document
from shared.domain.reconciliation.report import (
    DivergenceType,
    FailureKind,
    ReconciliationReport,
    ReportStatus,
)
from shared.domain.settings import parse_settings
from shared.errors import (
    EXPECTED_RUN_ERRORS,
    PERMANENT_RUN_ERRORS,
    IntegrationDisabledError,
    InvalidSettingsError,
    OpenTableError,
)
from shared.firestore.leases import LEASE_MARGIN_SECONDS, Lease, acquire_lease
from shared.guests.anonymization import anonymize_old_reservations
from shared.guests.failures import guest_failures_from_document
from shared.ledger.ledger import open_ledger
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.polling.webhook_health import update_webhook_silence
from shared.quarantine.store import log_quarantine_backlog
from shared.reconciliation.context import ReconciliationRun
from shared.reconciliation.reconcile import reconcile_window
from shared.reconciliation.report_store import store_report

MAX_REMEMBERED_DOCUMENTS = 200


class ReconciliationRequest(Struct, frozen=True):
    """The options of a reconciliation.

    Attributes:
        start: The first local date; None is yesterday.
        end: The last local date; None is 30 days ahead.
        is_dry_run: Whether to write nothing but the report.
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
    """Reconcile one restaurant, unless another run holds the lease; return a summary.

    Never raises an expected error: the summary and the report show a failure.

    Args:
        context: The process's clients.
        request: The options.
        restaurant_id: The restaurant.
        deadline: When the run must end; by default after the configured run budget.
    """
    deadline = deadline or Deadline.after(context.environment.run_budget_seconds)
    duration = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
    try:
        async with acquire_lease(
            context.firestore, context.clock, restaurant_id, "reconciliation", duration
        ) as lease:
            if lease is None:
                return {"restaurantId": restaurant_id, "status": "SKIPPED"}
            # Without a zone the run fails below; its report needs a window all the same.
            zone = parse_settings(restaurant_id, lease.document).zone or ZoneInfo("UTC")
            window = resolve_window(context.clock(), zone, request.start, request.end)
            report = create_report(context, restaurant_id, window)
            with record_outcome(report):
                run = await start_run(
                    context, lease, report, deadline, is_dry_run=request.is_dry_run
                )
                await reconcile_window(run)
            # Concurrently: both happen even if the other one fails.
            await gather_all(
                _finish_run(context, lease, report, deadline, is_dry_run=request.is_dry_run),
                log_quarantine_backlog(context, restaurant_id),
            )
    except IntegrationDisabledError as error:
        return {"restaurantId": restaurant_id, "status": "disabled", "error": str(error)}
    except EXPECTED_RUN_ERRORS as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return summarize_failure(restaurant_id, error)
    return summarize_report(report)


def create_report(
    context: AppContext, restaurant_id: str, window: DateWindow, held_report_id: str | None = None
) -> ReconciliationReport:
    """Return an empty report of a run starting now.

    Args:
        context: The process's clients.
        restaurant_id: The restaurant.
        window: The days to reconcile.
        held_report_id: For a forced plan, its held report.
    """
    now = context.clock()
    return ReconciliationReport(
        # Ids sort by time; the random part separates two reports of one second.
        report_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        restaurant_id=restaurant_id,
        window=window,
        reconciled_at=now,
        held_report_id=held_report_id,
    )


@contextmanager
def record_outcome(report: ReconciliationReport) -> Iterator[None]:
    """Record in the report how the block ended, and how long it took; suppress its exceptions."""
    started_seconds = time.monotonic()
    try:
        yield
    except EXPECTED_RUN_ERRORS as error:
        report.status, report.reason = ReportStatus.FAILED, str(error)
        report.failure = _classify_failure(error)
        report.is_retryable = not isinstance(error, PERMANENT_RUN_ERRORS)
        if report.held_report_id:
            report.reason += (
                " The corrections listed here were made: force the held plan again for the rest."
            )
    except Exception as error:  # noqa: BLE001 -- a run stopped by a bug needs a report as well
        name = type(error).__name__
        report.status = ReportStatus.FAILED
        report.reason = f"Internal error ({name}). See the function's log."
        report.failure = FailureKind.INTERNAL
        log_internal_error(error, report.restaurant_id)
    report.duration_ms = round((time.monotonic() - started_seconds) * 1000)


def _classify_failure(error: Exception) -> FailureKind:
    if isinstance(error, OpenTableError):
        return FailureKind.OPENTABLE
    return (
        FailureKind.SETTINGS if isinstance(error, InvalidSettingsError) else FailureKind.FIRESTORE
    )


async def start_run(
    context: AppContext,
    lease: Lease,
    report: ReconciliationReport,
    deadline: Deadline,
    *,
    is_dry_run: bool = False,
) -> ReconciliationRun:
    """Load the restaurant of a lease and the state of earlier runs."""
    settings = parse_settings(lease.restaurant_id, lease.document)
    return ReconciliationRun(
        restaurant=await load_restaurant_context(context, settings, deadline),
        ledger=open_ledger(context, settings),
        report=report,
        cursor=poll_cursor_from_document(lease.document),
        previous_time_zone=lease.state.get("timeZone"),
        was_time_zone_wrong=lease.state.get("wrongTimeZone") is True,
        unreadable_ids=frozenset(_read_text_list(lease.state.get("unreadableDocuments"))),
        guest_retry_at=guest_failures_from_document(lease.document).retry_at,
        is_dry_run=is_dry_run,
    )


def _read_text_list(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


async def _finish_run(
    context: AppContext,
    lease: Lease,
    report: ReconciliationReport,
    deadline: Deadline,
    *,
    is_dry_run: bool,
) -> None:
    """Store the report, update the webhook alarm, and release the lease with the run's state."""
    # The report first: the settings document refers to it.
    await store_and_log_report(context, report)
    if not is_dry_run:
        await update_webhook_silence(context, lease, report.missed_webhooks)
    state: dict[str, Any] = {
        "reconciliation.lastReportId": report.report_id,
        "reconciliation.lastStatus": report.status.value,
        "reconciliation.lastReconciledAt": report.reconciled_at,
    }
    if report.status is not ReportStatus.FAILED:
        # A failed run knows neither the divergences nor whether the time zone is right.
        state["reconciliation.openDivergences"] = len(report.divergences)
        divergences = {entry["type"] for entry in report.divergences}
        state["reconciliation.wrongTimeZone"] = DivergenceType.WRONG_TIME_ZONE in divergences
        state["reconciliation.unreadableDocuments"] = sorted(
            entry["reservationId"]
            for entry in report.divergences
            if entry["type"] == DivergenceType.UNREADABLE and entry["reservationId"]
        )[:MAX_REMEMBERED_DOCUMENTS]
    if report.status is ReportStatus.COMPLETED:
        state["reconciliation.timeZone"] = lease.document.get("timeZone")
    if not is_dry_run:
        state |= await anonymize_old_reservations(
            context, lease.restaurant_id, lease.document, deadline
        )
    await lease.release(state)


async def store_and_log_report(context: AppContext, report: ReconciliationReport) -> None:
    """Store a run's report and log its counts."""
    retention = timedelta(days=context.environment.report_retention_days)
    await store_report(context.firestore, report, retention)
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


def summarize_failure(restaurant_id: str, error: Exception) -> dict[str, Any]:
    """Return the response's entry for a run that ended without a report."""
    return {
        "restaurantId": restaurant_id,
        "status": "FAILED",
        "error": str(error),
        "retryable": not isinstance(error, PERMANENT_RUN_ERRORS),
    }


def summarize_report(report: ReconciliationReport) -> dict[str, Any]:
    """Return a report's entry in the response to the caller of the run."""
    return {
        "restaurantId": report.restaurant_id,
        "reportId": report.report_id,
        "status": report.status.value,
        **report.count_entries(),
        **({"error": report.reason} if report.reason else {}),
        **({"retryable": report.is_retryable} if report.status is ReportStatus.FAILED else {}),
    }
