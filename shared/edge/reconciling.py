"""One reconciliation from its lease to its stored report, whatever happens in between."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.report import Divergence, Report, ReportStatus
from shared.core.settings import settings_from
from shared.core.window import window_at
from shared.edge.backlog import log_backlog
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.reconciliation import reconcile
from shared.edge.reporting import (
    FAILURES,
    LEASE_MARGIN_SECONDS,
    answer_of,
    file_report,
    new_report,
    work_on,
)
from shared.edge.services import Services
from shared.edge.silence import note_webhooks
from shared.edge.telemetry import Event, Severity, log
from shared.edge.together import together
from shared.edge.upkeep import sweep_expired


class Wanted(Struct, frozen=True):
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
    services: Services, wanted: Wanted, restaurant_id: str, deadline: Deadline | None = None
) -> dict[str, Any]:
    """Reconcile one restaurant, unless another run of it is under way.

    Args:
        services: The process's services.
        wanted: Which window, and whether dry.
        restaurant_id: Lineup's id.
        deadline: Bounds the work; by default a run's whole budget from now.

    Returns:
        Its part of the answer; a failure is told in it and in the report, never raised.
    """
    deadline = deadline or Deadline.after(services.environment.run_seconds)
    leases = Leases(services.firestore, services.clock)
    try:
        life = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
        lease = await leases.take(restaurant_id, "reconciliation", life)
        if lease is None:
            return {"restaurantId": restaurant_id, "status": "SKIPPED"}
        report = _new_report(services, lease, wanted)
        await work_on(services, lease, report, deadline, reconcile, dry=wanted.dry)
        end = _end(services, leases, lease, report, dry=wanted.dry)
        last = [end, log_backlog(services, restaurant_id)]
        if services.environment.firestore_emulator:
            last.append(sweep_expired(services))
        await together(*last)
    except FAILURES as error:
        log(Severity.ERROR, Event.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "FAILED", "error": str(error)}
    return answer_of(report)


def _new_report(services: Services, lease: Lease, wanted: Wanted) -> Report:
    zone = settings_from(lease.restaurant_id, lease.document).zone or ZoneInfo("UTC")
    window = window_at(services.clock(), zone, wanted.start, wanted.end)
    return new_report(services, lease.restaurant_id, window)


async def _end(
    services: Services, leases: Leases, lease: Lease, report: Report, *, dry: bool
) -> None:
    """File the report, note what it tells of the webhooks, and give the lease back."""
    await file_report(services, report)
    if not dry:
        await note_webhooks(services, lease, report.missed)
    await leases.end(lease, _state(lease, report))


def _state(lease: Lease, report: Report) -> dict[str, Any]:
    """Return what the next run must know of this one; a failed one found out nothing."""
    state: dict[str, Any] = {
        "reconciliation.lastReportId": report.report_id,
        "reconciliation.lastStatus": report.status.value,
        "reconciliation.lastReconciledAt": report.reconciled_at,
    }
    if report.status is not ReportStatus.FAILED:
        kinds = {entry["type"] for entry in report.divergences}
        state["reconciliation.wrongTimeZone"] = Divergence.WRONG_TIME_ZONE in kinds
    if report.status is ReportStatus.COMPLETED:
        state["reconciliation.timeZone"] = lease.document.get("timeZone")
    return state
