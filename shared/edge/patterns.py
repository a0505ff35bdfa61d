"""The daily roll-ups of a restaurant's patterns, kept by each run that goes over their days.

They are counted while the ledger's side is read, which costs no further read of a reservation;
only days on which something was corrected are read again. What equals what is stored is not
written.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference, FieldFilter

from shared.core.decision import Commit
from shared.core.document import nest
from shared.core.patterns import RollUp, Tally
from shared.core.times import business_date
from shared.core.visits import FACTS
from shared.core.window import DAYS_AHEAD, Window
from shared.edge import paths
from shared.edge.connection import Connection
from shared.edge.ledger import Applied
from shared.edge.telemetry import Event, Severity, log

_MOST_DAYS_ASKED = 30  # values of one filter
_MOST_DAYS_WRITTEN = 100
_SECONDS = 10.0


def new_tally(connection: Connection, window: Window) -> Tally:
    """Return an empty tally of a window's days.

    Days further ahead than an hourly run looks are left out: nobody would keep them true.
    """
    zone, now = connection.settings.usable_zone(), connection.services.clock()
    last = now.astimezone(zone).date() + timedelta(days=DAYS_AHEAD)
    return Tally((day for day in window.days() if day <= last.isoformat()), zone)


async def keep_patterns(connection: Connection, tally: Tally, applied: Iterable[Applied]) -> None:
    """Bring a tally up to what a run did, and store the days that differ from what is stored.

    A store that is away costs the patterns an hour, and the run nothing.

    Args:
        connection: To the restaurant's book, the run's corrections made.
        tally: Of the ledger's side before them.
        applied: What the ledger took.
    """
    zone = connection.settings.usable_zone()
    moved: set[str] = set()
    for commit in (each.commit for each in applied if each.commit is not None):
        if commit.creates:
            tally.take(nest(commit.document))
        else:
            moved |= _days_of(commit, zone)
    await _keep(connection, tally, moved)


async def recount_patterns(connection: Connection, window: Window) -> None:
    """Count a window's days anew from the ledger; else as `keep_patterns`."""
    tally = new_tally(connection, window)
    await _keep(connection, tally, set(tally.roll_ups()))


def _days_of(commit: Commit, zone: ZoneInfo) -> set[str]:
    """Return the days whose counts an update may change."""
    start, moved = commit.statements.shown("startAt"), commit.entry["changes"].get("localDate", {})
    now = business_date(start, zone) if isinstance(start, datetime) else None
    return {day for day in (now, *moved.values()) if day is not None}


async def _keep(connection: Connection, tally: Tally, moved: set[str]) -> None:
    try:
        stored = await _stored(connection, moved.union(tally.roll_ups()))
        # A day beyond those is mended where it has a roll-up, and else left for its own run.
        await _count_again(
            connection, tally, sorted(moved & (stored.keys() | tally.roll_ups().keys()))
        )
        await _write(
            connection, {d: up for d, up in tally.roll_ups().items() if stored.get(d) != up}
        )
    except google.GoogleAPIError as error:
        restaurant_id, kind = connection.settings.restaurant_id, type(error).__name__
        log(Severity.WARNING, Event.PATTERNS_LATE, restaurantId=restaurant_id, error=kind)


def _reference(connection: Connection, day: str) -> AsyncDocumentReference:
    client = connection.services.firestore
    return paths.patterns(client, connection.settings.restaurant_id).document(day)


async def _stored(connection: Connection, days: Iterable[str]) -> dict[str, RollUp]:
    references = [_reference(connection, day) for day in days]
    if not references:
        return {}
    found = connection.services.firestore.get_all(references, retry=None, timeout=_SECONDS)
    return {each.id: each.get("sources") async for each in found if each.exists}


async def _count_again(connection: Connection, tally: Tally, days: list[str]) -> None:
    reservations = paths.reservations(
        connection.services.firestore, connection.settings.restaurant_id
    )
    for day in days:
        tally.begin(day)
    for first in range(0, len(days), _MOST_DAYS_ASKED):
        on_them = FieldFilter("localDate", "in", days[first : first + _MOST_DAYS_ASKED])
        timeout = connection.deadline.remaining()
        found = reservations.where(filter=on_them).select(FACTS)
        async for snapshot in found.stream(retry=None, timeout=timeout):
            tally.take(snapshot.to_dict() or {})


async def _write(connection: Connection, changed: dict[str, RollUp]) -> None:
    services, days = connection.services, sorted(changed)
    for first in range(0, len(days), _MOST_DAYS_WRITTEN):
        batch = services.firestore.batch()
        for day in days[first : first + _MOST_DAYS_WRITTEN]:
            told = {"localDate": day, "sources": changed[day], "updatedAt": services.clock()}
            batch.set(_reference(connection, day), told)
        await batch.commit(retry=None, timeout=_SECONDS)
