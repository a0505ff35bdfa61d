"""One restaurant's poll: what changed at OpenTable since the cursor, applied to the ledger."""

from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import asdict

from shared.core.backfill import is_backfilling
from shared.core.cursor import cursor_in, stored_cursor
from shared.core.missed import Missed
from shared.core.settings import settings_from
from shared.edge.checkup import check_up
from shared.edge.connection import Connection, connect
from shared.edge.guest_feed import finish_guests, read_feed
from shared.edge.leases import Lease, Leases
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.query import Kind, Query, WallTime
from shared.edge.pages import Tally, apply_page
from shared.edge.services import Services
from shared.edge.silence import note_webhooks
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError, OpenTableError

LEASE_MARGIN_SECONDS = 60.0
FAILURES = (InvalidSettingsError, LedgerUnavailableError, OpenTableError)


async def poll_restaurant(
    services: Services, restaurant_id: str, deadline: Deadline | None = None
) -> dict[str, Any]:
    """Poll one restaurant, unless another run of it is under way.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        deadline: Bounds the work; by default a run's whole budget from now.

    Returns:
        Its part of the poll's answer; a failure is told in it, never raised.
    """
    deadline = deadline or Deadline.after(services.environment.run_seconds)
    leases = Leases(services.firestore, services.clock)
    tally = Tally()
    try:
        life = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
        lease = await leases.take(restaurant_id, "poll", life)
        if lease is None:
            return _result(restaurant_id, "skipped", tally, "another poll holds the lease")
        return await _with_lease(services, leases, lease, tally, deadline)
    except FAILURES as error:
        return _result(restaurant_id, "error", tally, str(error))


async def _with_lease(
    services: Services, leases: Leases, lease: Lease, tally: Tally, deadline: Deadline
) -> dict[str, Any]:
    # The cursor is the time before the first request: what changes from now on is next time's.
    started = services.clock()
    try:
        settings = settings_from(lease.restaurant_id, lease.document)
        connection = await connect(services, settings, deadline)
        problems = await check_up(connection)
        missed = await _fetch_and_apply(connection, cursor_in(lease.document), tally)
        await note_webhooks(services, lease, missed)
    except FAILURES as error:
        return await _failed(services, leases, lease, tally, str(error))
    except Exception as error:  # noqa: BLE001 -- a run that we spoilt has failed like any other
        name, whose = type(error).__name__, lease.restaurant_id
        log(Severity.ERROR, Event.CRASHED, restaurantId=whose, error=name, where=line_of(error))
        told = f"A fault of ours ({name}); see the log."
        return await _failed(services, leases, lease, tally, told)
    outcome = {
        **stored_cursor(connection.access.rid, started),
        "lastOutcome": "ok",
        "lastError": None,
        "consecutiveFailures": 0,
        "missedWebhooks": missed.count,
        "problems": problems,
    }
    results = _under_poll(outcome) | {"lastPolledAt": services.clock()}
    if not await leases.end(lease, results):
        return _result(lease.restaurant_id, "error", tally, "the run outlived its lease")
    age = _age(services, started)
    result = _result(lease.restaurant_id, "ok", tally, None, cursor=age)
    return result | ({"backfill": "RUNNING"} if is_backfilling(lease.document) else {})


async def _failed(
    services: Services, leases: Leases, lease: Lease, tally: Tally, error: str
) -> dict[str, Any]:
    """Give the lease back, the cursor standing where it stood."""
    failures = int(lease.state.get("consecutiveFailures") or 0) + 1
    outcome = {"lastOutcome": "error", "lastError": error, "consecutiveFailures": failures}
    await leases.end(lease, _under_poll(outcome))
    age = _age(services, cursor_in(lease.document))
    return _result(lease.restaurant_id, "error", tally, error, cursor=age, failures=failures)


def _under_poll(fields: dict[str, Any]) -> dict[str, Any]:
    return {f"poll.{name}": value for name, value in fields.items()}


async def _fetch_and_apply(connection: Connection, cursor: datetime | None, tally: Tally) -> Missed:
    """Apply every page, and return which changes a webhook should have brought."""
    services, settings = connection.services, connection.settings
    today = services.clock().astimezone(settings.usable_zone()).date()
    lookback = timedelta(seconds=services.environment.lookback_seconds)
    query = _query(cursor, lookback, today)
    feed = await read_feed(connection, None if cursor is None else cursor - lookback)
    missed = Missed()
    async for page in services.opentable.pages(
        connection.access, Kind.RESERVATIONS, query, connection.deadline
    ):
        for applied in await apply_page(connection, feed, page, tally):
            # Before the first poll all is new to everyone.
            if cursor is not None and settings.webhook_auth and applied.commit is not None:
                missed.note(applied.commit.entry, services.clock())
    await finish_guests(connection, feed, is_first=cursor is None)
    return missed


def _query(cursor: datetime | None, lookback: timedelta, today: date) -> Query:
    """Ask for what changed; the first time for all that is scheduled from yesterday on."""
    if cursor is None:
        return Query(scheduled_from=WallTime.on(today - timedelta(days=1)))
    return Query(updated_after=cursor - lookback)


def _age(services: Services, cursor: datetime | None) -> int | None:
    return None if cursor is None else round((services.clock() - cursor).total_seconds())


def _result(  # noqa: PLR0913 -- the line tells all of them
    restaurant_id: str,
    status: str,
    tally: Tally,
    error: str | None,
    *,
    cursor: int | None = None,
    failures: int | None = None,
) -> dict[str, Any]:
    fields = asdict(tally)
    log(
        Severity.ERROR if status == "error" else Severity.INFO,
        Event.POLLED,
        restaurantId=restaurant_id,
        status=status,
        error=error,
        cursorAgeSeconds=cursor,
        consecutiveFailures=failures,
        **fields,
    )
    result = {"restaurantId": restaurant_id, "status": status, **fields}
    return result | ({"error": error} if error else {})
