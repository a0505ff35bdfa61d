"""Work of which a report tells however it ends."""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from shared.core.cursor import cursor_in
from shared.core.report import Report, ReportStatus
from shared.core.settings import settings_from
from shared.core.window import Window
from shared.edge.connection import connect
from shared.edge.leases import Lease
from shared.edge.opentable.clock import Deadline
from shared.edge.reports import store_report
from shared.edge.run import Run
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError, OpenTableError

LEASE_MARGIN_SECONDS = 60.0
FAILURES = (InvalidSettingsError, LedgerUnavailableError, OpenTableError)
_FORCE_AGAIN = "What is listed was carried out: force the held plan again for the rest."


def new_report(
    services: Services, restaurant_id: str, window: Window, forced_from: str | None = None
) -> Report:
    """Return the report of a run that begins now.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        window: The days that it is about.
        forced_from: The held report whose plan it carries out, if any.
    """
    now = services.clock()
    return Report(
        report_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        restaurant_id=restaurant_id,
        window=window,
        reconciled_at=now,
        forced_from=forced_from,
    )


async def work_on(  # noqa: PLR0913 -- each is a different thing, and two call sites name them
    services: Services,
    lease: Lease,
    report: Report,
    deadline: Deadline,
    work: Callable[[Run], Awaitable[None]],
    *,
    dry: bool = False,
) -> None:
    """Do a run's work; its report, which is still to be filed, tells how that ended.

    Args:
        services: The process's services.
        lease: The right to it.
        report: What is written down.
        deadline: Bounds the work.
        work: Does it.
        dry: Whether nothing but the report may be written.
    """
    began = time.monotonic()
    try:
        settings = settings_from(lease.restaurant_id, lease.document)
        connection = await connect(services, settings, deadline)
        cursor = cursor_in(lease.document)
        was_wrong = lease.state.get("wrongTimeZone") is True
        zone_before = lease.state.get("timeZone")
        await work(Run(connection, report, cursor, dry, was_wrong, zone_before))
    except FAILURES as error:
        rest = f" {_FORCE_AGAIN}" if report.forced_from else ""
        report.status, report.reason = ReportStatus.FAILED, f"{error}{rest}"
    except Exception as error:  # noqa: BLE001 -- the report of a run that we spoilt is stored too
        _crash(report, error)
    report.duration_ms = round((time.monotonic() - began) * 1000)


async def file_report(services: Services, report: Report) -> None:
    """Store a run's report, and log it.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    await store_report(services.firestore, report)
    _log(report)


def _crash(report: Report, error: Exception) -> None:
    name = type(error).__name__
    report.status = ReportStatus.FAILED
    report.reason = f"A fault of ours ({name}); see the log."
    where = line_of(error)
    log(Severity.ERROR, Event.CRASHED, restaurantId=report.restaurant_id, error=name, where=where)


def _log(report: Report) -> None:
    good = report.status in {ReportStatus.COMPLETED, ReportStatus.DRY_RUN}
    log(
        Severity.INFO if good else Severity.ERROR,
        Event.RECONCILED,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        status=report.status.value,
        error=report.reason,
        forcedFrom=report.forced_from,
        compared=report.compared_count,
        newDivergences=report.new_divergences,
        missedWebhooks=report.missed.count,
        durationMs=report.duration_ms,
        **report.counts(),
    )


def answer_of(report: Report) -> dict[str, Any]:
    """Return a report's part of the answer to who asked for the run."""
    return {
        "restaurantId": report.restaurant_id,
        "reportId": report.report_id,
        "status": report.status.value,
        **report.counts(),
        **({"error": report.reason} if report.reason else {}),
    }
