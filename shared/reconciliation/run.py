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
from shared.context import AppContext, RestaurantContext, connect_restaurant
from shared.domain.days import DateWindow, resolve_window
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.reconciliation.report import ReconciliationReport, ReportStatus, RunFailureKind
from shared.domain.schedule import (
    covers_full_window,
    poll_cursor_from_document,
    resolve_scheduled_window,
)
from shared.domain.settings import parse_settings
from shared.domain.validation import read_count, read_texts
from shared.errors import (
    EXPECTED_RUN_ERRORS,
    PERMANENT_RUN_ERRORS,
    IntegrationDisabledError,
    InvalidSettingsError,
    OpenTableError,
    RunInProgressError,
)
from shared.firestore.leases import Lease, PrefetchedSettings, prepare_lease
from shared.guests.erasure import anonymize_old_reservations
from shared.guests.failures import guest_failure_summary_from_document
from shared.ingest.deliveries import update_webhook_silence
from shared.ledger.ledger import Ledger
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.quarantine.store import log_quarantine_backlog
from shared.reconciliation.context import ReconciliationContext
from shared.reconciliation.reconcile import reconcile_window
from shared.reconciliation.report_store import store_report

MAX_REMEMBERED_DOCUMENTS = 200


class ReconciliationOptions(Struct, frozen=True):
    """The options of a reconciliation.

    Attributes:
        start: The first local date; None is yesterday.
        end: The last local date; None is 30 days ahead.
        is_dry_run: Whether to leave the reservations unchanged; the report is stored.
        is_scheduled: Whether the schedule chooses the days (`resolve_scheduled_window`).
    """

    start: date | None = None
    end: date | None = None
    is_dry_run: bool = False
    is_scheduled: bool = False


async def reconcile_restaurant(
    context: AppContext,
    options: ReconciliationOptions,
    restaurant_id: str,
    deadline: Deadline | None = None,
    prefetched: PrefetchedSettings | None = None,
) -> dict[str, Any]:
    """Reconcile one restaurant, unless another run holds the lease; return a summary.

    Never raises an expected error: the summary and the report show a failure. An hourly run without
    a difference writes twice: its report and its state. The default deadline is the configured run
    budget. `prefetched` settings save a read.
    """
    deadline = deadline or Deadline.after(context.environment.run_budget_seconds)
    try:
        async with prepare_lease(
            context.firestore, context.clock, restaurant_id, "reconciliation", deadline, prefetched
        ) as lease:
            report = await _run_reconciliation(context, lease, options, deadline)
    except RunInProgressError:
        return {"restaurantId": restaurant_id, "status": "SKIPPED"}
    except IntegrationDisabledError as error:
        return {"restaurantId": restaurant_id, "status": "disabled", "error": str(error)}
    except EXPECTED_RUN_ERRORS as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return summarize_failure(restaurant_id, error)
    return summarize_report(report)


async def _run_reconciliation(
    context: AppContext, lease: Lease, options: ReconciliationOptions, deadline: Deadline
) -> ReconciliationReport:
    """Reconcile under a lease, and release it with the result."""
    # Without a zone the run fails below; its report needs a window all the same.
    zone = parse_settings(lease.restaurant_id, lease.document).zone or ZoneInfo("UTC")
    now, near_days_ahead = context.clock(), context.environment.near_days_ahead
    try:
        if options.is_scheduled:
            window = resolve_scheduled_window(lease.document, zone, now, near_days_ahead)
        else:
            window = resolve_window(now, zone, options.start, options.end)
    except ValueError as error:
        # The caller checked the dates in UTC: in this zone they are a day too far apart.
        raise InvalidSettingsError(str(error)) from None
    report = create_report(context, lease.restaurant_id, window)
    if covers_full_window(window, zone, report.reconciled_at) or not options.is_scheduled:
        # Of two long runs at the same time, one would read everything for nothing.
        await lease.ensure_acquired()
    with record_outcome(report):
        run = await load_run(context, lease, report, deadline, is_dry_run=options.is_dry_run)
        await reconcile_window(run)
    # Concurrently: both happen even if the other one fails.
    await gather_all(
        _finish_run(context, lease, report, deadline, is_dry_run=options.is_dry_run),
        log_quarantine_backlog(context, lease.restaurant_id),
    )
    return report


def create_report(
    context: AppContext, restaurant_id: str, window: DateWindow, held_report_id: str | None = None
) -> ReconciliationReport:
    """Return an empty report of a run starting now; `held_report_id` is for a forced plan."""
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
    """Record in the report how the block ended, and how long it took; suppress its exceptions.

    Only `RunInProgressError` and `IntegrationDisabledError` pass.
    """
    started_seconds = time.monotonic()
    try:
        yield
    except (RunInProgressError, IntegrationDisabledError):
        raise  # the run ends without a report
    except EXPECTED_RUN_ERRORS as error:
        report.status, report.reason = ReportStatus.FAILED, str(error)
        match error:
            case OpenTableError():
                report.failure = RunFailureKind.OPENTABLE
            case InvalidSettingsError():
                report.failure = RunFailureKind.SETTINGS
            case _:
                report.failure = RunFailureKind.FIRESTORE
        report.is_retryable = not isinstance(error, PERMANENT_RUN_ERRORS)
        if report.held_report_id:
            report.reason += (
                " The corrections listed here were made: force the held plan again for the rest."
            )
    except Exception as error:  # noqa: BLE001 -- a run stopped by a bug needs a report as well
        name = type(error).__name__
        report.status = ReportStatus.FAILED
        report.reason = f"Internal error ({name}). See the function's log."
        report.failure = RunFailureKind.INTERNAL
        log_internal_error(error, report.restaurant_id)
    report.duration_ms = round((time.monotonic() - started_seconds) * 1000)


async def load_run(
    context: AppContext,
    lease: Lease,
    report: ReconciliationReport,
    deadline: Deadline,
    *,
    is_dry_run: bool = False,
) -> ReconciliationContext:
    """Return the inputs of a run: the restaurant of a lease, and the state of earlier runs."""
    settings = parse_settings(lease.restaurant_id, lease.document)
    restaurant = await connect_restaurant(RestaurantContext(context, settings), deadline)
    return ReconciliationContext(
        restaurant=restaurant,
        ledger=Ledger(restaurant),
        report=report,
        lease=lease,
        covers_full_window=covers_full_window(
            report.window, settings.require_zone(), report.reconciled_at
        ),
        cursor=poll_cursor_from_document(lease.document, report.reconciled_at),
        previous_time_zone=lease.state.get("timeZone"),
        was_time_zone_wrong=lease.state.get("wrongTimeZone") is True,
        unreadable_ids=frozenset(read_texts(lease.state, "unreadableDocuments")),
        guest_retry_at=guest_failure_summary_from_document(lease.document).retry_at,
        analytics_digests=dict(
            item.split(" ", 1)
            for item in read_texts(lease.state, "analyticsDigests")
            if " " in item
        ),
        is_dry_run=is_dry_run,
    )


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
    settings = parse_settings(lease.restaurant_id, lease.document)
    zone = settings.zone or ZoneInfo("UTC")
    is_full = covers_full_window(report.window, zone, report.reconciled_at)
    if report.status is not ReportStatus.FAILED:
        # A failed run knows neither the divergences nor whether the time zone is right.
        state |= _describe_findings(lease, report, is_full=is_full)
    if report.status is ReportStatus.COMPLETED:
        state["reconciliation.timeZone"] = lease.document.get("timeZone")
        if is_full:
            state["reconciliation.lastFullAt"] = report.reconciled_at
            state["reconciliation.lastFullReportId"] = report.report_id
    state |= report.missed_webhooks.to_update_fields(report.reconciled_at)
    if not is_dry_run:
        state |= await anonymize_old_reservations(
            RestaurantContext(context, settings), lease.document, deadline
        )
    await lease.release(state)


def _describe_findings(
    lease: Lease, report: ReconciliationReport, *, is_full: bool
) -> dict[str, Any]:
    """Return the findings that later runs must not report as new.

    A run of fewer days adds to the findings of the last full one.
    """
    is_zone_wrong = any(
        entry["type"] == DivergenceType.WRONG_TIME_ZONE for entry in report.divergences
    )
    unreadable_ids = {
        entry["reservationId"]
        for entry in report.divergences
        if entry["type"] == DivergenceType.UNREADABLE and entry["reservationId"]
    }
    open_divergences = len(report.divergences)
    if not is_full:
        open_divergences = max(open_divergences, read_count(lease.state, "openDivergences"))
        is_zone_wrong = is_zone_wrong or lease.state.get("wrongTimeZone") is True
        unreadable_ids |= set(read_texts(lease.state, "unreadableDocuments"))
    return {
        "reconciliation.openDivergences": open_divergences,
        "reconciliation.wrongTimeZone": is_zone_wrong,
        "reconciliation.unreadableDocuments": sorted(unreadable_ids)[:MAX_REMEMBERED_DOCUMENTS],
    }


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
        lagSeconds=report.missed_webhooks.lag_seconds(report.reconciled_at),
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
