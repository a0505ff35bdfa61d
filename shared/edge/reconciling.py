"""One reconciliation from its lease to its stored report, whatever happens in between."""

import secrets
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.core.report import Divergence, Report, ReportStatus
from shared.core.settings import Settings, settings_from
from shared.core.window import window_at
from shared.edge.connection import connect
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.reconciliation import reconcile
from shared.edge.reports import store_report
from shared.edge.run import Run
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.edge.upkeep import sweep_expired
from shared.errors import InvalidSettingsError, LedgerUnavailableError, OpenTableError

LEASE_MARGIN_SECONDS = 60.0
FAILURES = (InvalidSettingsError, LedgerUnavailableError, OpenTableError)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reconciliation is asked for.

    Attributes:
        start: First local date, None for yesterday.
        end: Last local date, None for 30 days ahead.
        dry: Whether only a report is wanted.
    """

    start: date | None = None
    end: date | None = None
    dry: bool = False


async def reconcile_restaurant(
    services: Services, wanted: Wanted, restaurant_id: str
) -> dict[str, Any]:
    """Reconcile one restaurant, unless another run of it is under way.

    Args:
        services: The process's services.
        wanted: Which window, and whether dry.
        restaurant_id: Lineup's id.

    Returns:
        Its part of the answer; a failure is told in it and in the report, never raised.
    """
    seconds = services.environment.run_seconds
    leases = Leases(services.firestore, services.clock)
    try:
        life = timedelta(seconds=seconds + LEASE_MARGIN_SECONDS)
        lease = await leases.take(restaurant_id, "reconciliation", life)
        if lease is None:
            return {"restaurantId": restaurant_id, "status": "SKIPPED"}
        report = await _reported(services, lease, wanted, Deadline.after(seconds))
        await leases.end(lease, _state(report))
        if services.environment.firestore_emulator:
            await sweep_expired(services)
    except FAILURES as error:
        log(Severity.ERROR, Event.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "FAILED", "error": str(error)}
    return {
        "restaurantId": restaurant_id,
        "reportId": report.report_id,
        "status": report.status.value,
        **report.counts(),
        **({"error": report.reason} if report.reason else {}),
    }


async def _reported(services: Services, lease: Lease, wanted: Wanted, deadline: Deadline) -> Report:
    """Reconcile, and store the report however it ended."""
    began = time.monotonic()
    settings = settings_from(lease.restaurant_id, lease.document)
    report = _new_report(services, settings, wanted)
    try:
        connection = await connect(services, settings, deadline)
        cursor = (lease.document.get("poll") or {}).get("cursor")
        was_wrong = lease.state.get("wrongTimeZone") is True
        await reconcile(Run(connection, report, cursor, wanted.dry, was_wrong))
    except FAILURES as error:
        report.status, report.reason = ReportStatus.FAILED, str(error)
    except Exception as error:  # noqa: BLE001 -- the report of a run that we spoilt is stored too
        report.status = ReportStatus.FAILED
        report.reason = f"A fault of ours ({type(error).__name__}); see the log."
        log(
            Severity.ERROR,
            Event.CRASHED,
            restaurantId=report.restaurant_id,
            error=type(error).__name__,
            where=line_of(error),
        )
    duration = round((time.monotonic() - began) * 1000)
    await store_report(services.firestore, report, duration)
    _log(report, duration)
    return report


def _new_report(services: Services, settings: Settings, wanted: Wanted) -> Report:
    now = services.clock()
    return Report(
        report_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        restaurant_id=settings.restaurant_id,
        window=window_at(now, settings.zone or ZoneInfo("UTC"), wanted.start, wanted.end),
        reconciled_at=now,
    )


def _state(report: Report) -> dict[str, Any]:
    return {
        "reconciliation.lastReportId": report.report_id,
        "reconciliation.lastStatus": report.status.value,
        "reconciliation.lastReconciledAt": report.reconciled_at,
        "reconciliation.wrongTimeZone": any(
            entry["type"] == Divergence.WRONG_TIME_ZONE for entry in report.divergences
        ),
    }


def _log(report: Report, duration_ms: int) -> None:
    good = report.status in {ReportStatus.COMPLETED, ReportStatus.DRY_RUN}
    log(
        Severity.INFO if good else Severity.ERROR,
        Event.RECONCILED,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        status=report.status.value,
        error=report.reason,
        compared=report.compared_count,
        newDivergences=report.new_divergences,
        missedWebhooks=report.missed_webhooks,
        durationMs=duration_ms,
        **report.counts(),
    )
