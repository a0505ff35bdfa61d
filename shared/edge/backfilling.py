"""A restaurant's backfill, carried on slice by slice by whichever run comes next.

How far it is stands in the map ``backfill`` of the restaurant's settings document. A run that
dies costs the slice that it was at; the next one takes that slice up again, and what it applies
a second time changes nothing.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any

from shared.core.backfill import COUNTS, Backfill, backfill_in, is_backfilling
from shared.core.settings import settings_from
from shared.edge.connection import Connection, connect
from shared.edge.guest_feed import Feed, fetch_lacking, read_guestbook
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.query import Kind, Query, WallTime
from shared.edge.pages import Tally, apply_page
from shared.edge.patterns import recount_patterns
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import (
    InvalidSettingsError,
    LedgerUnavailableError,
    OpenTableError,
    OpenTableRefusedError,
)

LEASE_MARGIN_SECONDS = 60.0
FAILURES = (InvalidSettingsError, LedgerUnavailableError, OpenTableError)
_FOR_GOOD = (InvalidSettingsError, OpenTableRefusedError)


async def carry_on(
    services: Services, restaurant_id: str, deadline: Deadline
) -> AsyncGenerator[Backfill, None]:
    """Carry a running backfill on, and yield how far it is after each step.

    It ends with the backfill, with the first failure (which the last state tells), where the time
    left would not hold another step, or at once where none is running or another run has it in
    hand. Whoever ends it earlier closes it (`contextlib.aclosing`), for its lease to be given back.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        deadline: Bounds the work.

    Yields:
        The state as it was just stored.

    Raises:
        InvalidSettingsError: When the restaurant has no settings.
        LedgerUnavailableError: When a state could not be stored.
    """
    if not deadline.remaining():
        return
    leases = Leases(services.firestore, services.clock)
    life = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
    lease = await leases.take(restaurant_id, "backfill", life)
    if lease is None:
        return
    try:
        if not is_backfilling(lease.document):
            return
        async for backfill in _steps(services, lease, deadline):
            if not await leases.keep(lease, backfill.stored()):
                return
            yield backfill
    finally:
        await leases.end(lease, {})


async def _steps(services: Services, lease: Lease, deadline: Deadline) -> AsyncIterator[Backfill]:
    backfill = backfill_in(lease.document)
    if backfill is None:
        return
    try:
        connection = await _connect(services, lease, backfill, deadline)
        feed = await read_guestbook(connection)
        took = 0.0
        while backfill.is_running and deadline.remaining() > 2 * took:
            began = deadline.remaining()
            counts = await _step(connection, feed, backfill)
            took = began - deadline.remaining()
            backfill = backfill.after(backfill.next_slice(), counts, took, services.clock())
            yield backfill
    except FAILURES as error:
        for_good = isinstance(error, _FOR_GOOD)
        yield backfill.hindered(str(error), services.clock(), for_good=for_good)


async def _connect(
    services: Services, lease: Lease, backfill: Backfill, deadline: Deadline
) -> Connection:
    settings = settings_from(lease.restaurant_id, lease.document)
    if settings.usable_rid() != backfill.rid:
        raise InvalidSettingsError(
            "The OpenTable number was changed during the backfill: begin it anew."
        )
    return await connect(services, settings, deadline)


async def _step(connection: Connection, feed: Feed, backfill: Backfill) -> dict[str, int]:
    """Fetch and apply the next slice, or the closing listing; return what became of its rows."""
    query, tally = _query(connection, backfill), Tally()
    listing = connection.services.opentable.pages(
        connection.access, Kind.RESERVATIONS, query, connection.deadline
    )
    async for page in listing:
        await apply_page(connection, feed, page, tally)
    await fetch_lacking(connection, feed)
    feed.lacking.clear()
    if days := backfill.next_slice():
        await recount_patterns(connection, days)
    return {name: getattr(tally, name) for name in COUNTS}


def _query(connection: Connection, backfill: Backfill) -> Query:
    days = backfill.next_slice()
    if days is None:
        lookback = timedelta(seconds=connection.services.environment.lookback_seconds)
        return Query(updated_after=backfill.started_at - lookback)
    return Query(scheduled_from=WallTime.on(days.start), scheduled_to=WallTime.end_of(days.end))


async def backfill_restaurant(
    services: Services, deadline: Deadline, restaurant_id: str
) -> dict[str, Any]:
    """Carry a running backfill on to its end or to a deadline's, and log how far that is.

    Args:
        services: The process's services.
        deadline: Bounds the work.
        restaurant_id: Lineup's id.

    Returns:
        ``restaurantId``, and as ``status`` the backfill's, or ``skipped`` where none is running,
        another run has it in hand or no time was left; a failure is told in it, never raised.
    """
    try:
        steps = [step async for step in carry_on(services, restaurant_id, deadline)]
    except FAILURES as error:
        log(Severity.ERROR, Event.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "error"}
    if not steps:
        return {"restaurantId": restaurant_id, "status": "skipped"}
    _log(restaurant_id, steps[-1])
    return {"restaurantId": restaurant_id, "status": steps[-1].status.value}


def _log(restaurant_id: str, backfill: Backfill) -> None:
    hindered = Severity.WARNING if backfill.is_running else Severity.ERROR
    log(
        hindered if backfill.error else Severity.INFO,
        Event.BACKFILL,
        restaurantId=restaurant_id,
        status=backfill.status.value,
        daysDone=backfill.days_done,
        daysTotal=backfill.days_total,
        error=backfill.error,
        **backfill.counts,
    )
