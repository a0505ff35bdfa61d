"""The daily roll-ups of a restaurant's patterns, kept by each run that goes over their days.

They are counted while the ledger's side is read, which costs no further read of a reservation;
what the run corrects is counted from what the ledger took. Only a day beyond the run's window,
where a reservation was moved from it or to it, is read for itself. What equals what is stored is
not written.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference, FieldFilter

from shared.core.comparison import Mark
from shared.core.decision import Commit
from shared.core.document import nest, render
from shared.core.patterns import RollUp, Tally
from shared.core.visits import FACTS, Visit
from shared.core.window import DAYS_AHEAD, Window
from shared.edge import paths
from shared.edge.calls import Calls
from shared.edge.connection import Connection
from shared.edge.holdings import held_documents
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


async def keep_patterns(
    connection: Connection,
    tally: Tally,
    holdings: Mapping[str, Mark],
    applied: Iterable[Applied],
) -> None:
    """Bring a tally up to what a run did, and store the days that differ from what is stored.

    A store that is away costs the patterns an hour, and the run nothing.

    Args:
        connection: To the restaurant's book, the run's corrections made.
        tally: Of the ledger's side before them.
        holdings: That side's marks, by external key.
        applied: What the ledger took.
    """
    ledger = connection.services.ledger(connection.settings)
    beyond: set[str] = set()
    for key, last in {each.change.external_key: each for each in applied}.items():
        tally.take_out(holdings[key].visit if key in holdings else None)
        visit = tally.take(nest(render(ledger.identity(key), last.statements)))
        beyond |= {day for day in _days_of(visit, last.commit) if day not in tally.days}
    await _keep(connection, tally, beyond)


async def recount_patterns(connection: Connection, window: Window) -> None:
    """Count a window's days anew from the ledger; else as `keep_patterns`."""
    tally = new_tally(connection, window)
    await _keep(connection, tally, set(tally.days))


def _days_of(visit: Visit | None, commit: Commit | None) -> Iterator[str]:
    """Yield the day of a visit, and those between which a commit moved its reservation."""
    if visit is not None:
        yield visit.day
    moved = {} if commit is None else commit.entry["changes"].get("localDate", {})
    yield from (day for day in moved.values() if day is not None)


async def _keep(connection: Connection, tally: Tally, again: set[str]) -> None:
    try:
        stored = await _stored(connection, again | tally.days)
        # A day beyond the window is mended where it has a roll-up, and else left for its own run.
        await _count_again(connection, tally, sorted(again & (stored.keys() | tally.days)))
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
    found = await Calls(connection.services.firestore).read(references, _SECONDS)
    held = {each.id: found[each.path].fields for each in references}
    return {day: fields.get("sources", {}) for day, fields in held.items() if fields is not None}


async def _count_again(connection: Connection, tally: Tally, days: list[str]) -> None:
    client, restaurant_id = connection.services.firestore, connection.settings.restaurant_id
    reservations = paths.reservations(client, restaurant_id).select(FACTS)
    for day in days:
        tally.begin(day)
    for first in range(0, len(days), _MOST_DAYS_ASKED):
        on_them = FieldFilter("localDate", "in", days[first : first + _MOST_DAYS_ASKED])
        query = reservations.where(filter=on_them)
        async for document in held_documents(client, restaurant_id, query, connection.deadline):
            tally.take(document)


async def _write(connection: Connection, changed: dict[str, RollUp]) -> None:
    services, days = connection.services, sorted(changed)
    for first in range(0, len(days), _MOST_DAYS_WRITTEN):
        batch = services.firestore.batch()
        for day in days[first : first + _MOST_DAYS_WRITTEN]:
            told = {"localDate": day, "sources": changed[day], "updatedAt": services.clock()}
            batch.set(_reference(connection, day), told)
        await batch.commit(retry=None, timeout=_SECONDS)
