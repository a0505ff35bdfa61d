"""One restaurant's poll: what changed at OpenTable since the cursor, applied to the ledger."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.core.change import Source
from shared.core.missed import Missed
from shared.core.settings import settings_from
from shared.edge.batches import apply_all
from shared.edge.checkup import check_up
from shared.edge.connection import Connection, connect
from shared.edge.guest_feed import Feed, finish_guests, hold_named, read_feed
from shared.edge.leases import Lease, Leases
from shared.edge.ledger import Applied
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.query import Kind, Query, WallTime
from shared.edge.rows import read_rows, settle
from shared.edge.services import Services
from shared.edge.silence import note_webhooks
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError, OpenTableError

LEASE_MARGIN_SECONDS = 60.0
FAILURES = (InvalidSettingsError, LedgerUnavailableError, OpenTableError)


@dataclass(slots=True)
class Tally:
    """What a poll did with the rows that it fetched; the outcomes add up to ``fetched``."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    pages: int = 0

    def count(self, applied: Applied) -> None:
        """Count one row by its outcome; one that was held already counts as unchanged."""
        name = "unchanged" if applied.outcome == "duplicate" else str(applied.outcome)
        setattr(self, name, getattr(self, name) + 1)


async def poll_restaurant(services: Services, restaurant_id: str) -> dict[str, Any]:
    """Poll one restaurant, unless another run of it is under way.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.

    Returns:
        Its part of the poll's answer; a failure is told in it, never raised.
    """
    seconds = services.environment.run_seconds
    leases = Leases(services.firestore, services.clock)
    tally = Tally()
    try:
        life = timedelta(seconds=seconds + LEASE_MARGIN_SECONDS)
        lease = await leases.take(restaurant_id, "poll", life)
        if lease is None:
            return _result(restaurant_id, "skipped", tally, "another poll holds the lease")
        return await _with_lease(services, leases, lease, tally, Deadline.after(seconds))
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
        missed = await _fetch_and_apply(connection, lease.state.get("cursor"), tally)
        await note_webhooks(services, lease, missed)
    except FAILURES as error:
        failures = int(lease.state.get("consecutiveFailures") or 0) + 1
        outcome = {"lastOutcome": "error", "lastError": str(error), "consecutiveFailures": failures}
        await leases.end(lease, _under_poll(outcome))
        return _result(lease.restaurant_id, "error", tally, str(error))
    outcome = {
        "cursor": started,
        "lastOutcome": "ok",
        "lastError": None,
        "consecutiveFailures": 0,
        "missedWebhooks": missed.count,
        "problems": problems,
    }
    results = _under_poll(outcome) | {"lastPolledAt": services.clock()}
    if not await leases.end(lease, results):
        return _result(lease.restaurant_id, "error", tally, "the run outlived its lease")
    return _result(lease.restaurant_id, "ok", tally, None)


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
        tally.pages += 1
        for applied in await _apply(connection, feed, (*page.rows, *page.strays), tally):
            feed.note(applied)
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


async def _apply(
    connection: Connection, feed: Feed, items: tuple[object, ...], tally: Tally
) -> list[Applied]:
    """Apply a page and return what became of the rows that the ledger took."""
    services, settings = connection.services, connection.settings
    batch = await read_rows(services, settings, items, Source.POLL)
    await hold_named(connection, feed, batch.changes)
    results = await apply_all(services.ledger(settings), batch.changes)
    tally.fetched += len(items)
    tally.quarantined += len(batch.unreadable)
    taken = []
    for change, result in zip(batch.changes, results, strict=True):
        if await settle(services, settings, change, result):
            tally.quarantined += 1
        elif isinstance(result, Applied):
            tally.count(result)
            taken.append(result)
    return taken


def _result(restaurant_id: str, status: str, tally: Tally, error: str | None) -> dict[str, Any]:
    severity = Severity.ERROR if status == "error" else Severity.INFO
    fields = asdict(tally)
    log(severity, Event.POLLED, restaurantId=restaurant_id, status=status, error=error, **fields)
    result = {"restaurantId": restaurant_id, "status": status, **fields}
    return result | ({"error": error} if error else {})
