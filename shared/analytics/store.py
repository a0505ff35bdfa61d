"""The daily roll-ups of a restaurant's patterns, kept by each run that goes over their days.

They are counted while the ledger's side is read, which costs no further read of a reservation;
what the run corrects is counted from what the ledger took. Only a day beyond the run's window,
where a reservation was moved from it or to it, is read for itself. What equals what is stored is
not written.

A restaurant's patterns as its manager asks for them: one read for each day that was counted.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncDocumentReference, FieldFilter

from shared.context import RestaurantContext
from shared.domain.analytics.rollup import (
    ANALYTICS_FIELDS,
    BookingFacts,
    DailyRollup,
    RollupBuilder,
    counts_from_map,
)
from shared.domain.analytics.summary import AnalyticsDays
from shared.domain.backfill import DEFAULT_DAYS_AHEAD, DateWindow
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.document import nest_fields, render_document
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.reconciliation.compare import ReservationFingerprint
from shared.firestore import paths
from shared.firestore.documents import read_documents
from shared.firestore.raw_client import FirestoreRpc
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.ledger.queries import stream_reservation_documents
from shared.log import LogEvent, Severity, log_event

_MAX_DAYS_PER_QUERY = 30  # values of one filter
_MAX_DAYS_PER_BATCH = 100
_TIMEOUT_SECONDS = 10.0


def create_rollup_builder(restaurant: RestaurantContext, window: DateWindow) -> RollupBuilder:
    """Return an empty tally of a window's days.

    Days further ahead than an hourly run looks are left out: nobody would keep them true.
    """
    zone, now = restaurant.settings.require_zone(), restaurant.context.clock()
    last_day = now.astimezone(zone).date() + timedelta(days=DEFAULT_DAYS_AHEAD)
    return RollupBuilder((day for day in window.list_dates() if day <= last_day.isoformat()), zone)


async def update_analytics(
    restaurant: RestaurantContext,
    rollup_builder: RollupBuilder,
    fingerprints: Mapping[str, ReservationFingerprint],
    applied: Iterable[ApplyResult],
) -> None:
    """Bring a tally up to what a run did, and store the days that differ from what is stored.

    A store that is away costs the patterns an hour, and the run nothing.

    Args:
        restaurant: To the restaurant's book, the run's corrections made.
        rollup_builder: Of the ledger's side before them.
        fingerprints: That side's marks, by external key.
        applied: What the ledger took.
    """
    ledger = open_ledger(restaurant.context, restaurant.settings)
    outside_days: set[str] = set()
    for key, last_result in {result.event.external_key: result for result in applied}.items():
        rollup_builder.remove_booking(
            fingerprints[key].booking_facts if key in fingerprints else None
        )
        facts = rollup_builder.add_document(
            nest_fields(render_document(ledger.build_identity(key), last_result.state))
        )
        outside_days |= {
            day for day in _collect_days(facts, last_result.write) if day not in rollup_builder.days
        }
    await _store_days(restaurant, rollup_builder, outside_days)


async def recount_analytics(restaurant: RestaurantContext, window: DateWindow) -> None:
    """Count a window's days anew from the ledger; else as `update_analytics`."""
    rollup_builder = create_rollup_builder(restaurant, window)
    await _store_days(restaurant, rollup_builder, set(rollup_builder.days))


def _collect_days(facts: BookingFacts | None, write: ReservationWrite | None) -> Iterator[str]:
    """Yield the day of a visit, and those between which a commit moved its reservation."""
    if facts is not None:
        yield facts.local_date
    date_change = {} if write is None else write.entry["changes"].get("localDate", {})
    yield from (day for day in date_change.values() if day is not None)


async def _store_days(
    restaurant: RestaurantContext, rollup_builder: RollupBuilder, recount_days: set[str]
) -> None:
    try:
        stored = await _read_stored_days(restaurant, recount_days | rollup_builder.days)
        # A day beyond the window is mended where it has a roll-up, and else left for its own run.
        await _recount_days(
            restaurant, rollup_builder, sorted(recount_days & (stored.keys() | rollup_builder.days))
        )
        await _write_days(
            restaurant,
            {
                day: rollup
                for day, rollup in rollup_builder.build_rollups().items()
                if stored.get(day) != rollup
            },
        )
    except google.GoogleAPIError as error:
        restaurant_id, kind = restaurant.settings.restaurant_id, type(error).__name__
        log_event(
            Severity.WARNING, LogEvent.ANALYTICS_DELAYED, restaurantId=restaurant_id, error=kind
        )


def _build_day_reference(restaurant: RestaurantContext, day: str) -> AsyncDocumentReference:
    client = restaurant.context.firestore
    return paths.analytics_collection(client, restaurant.settings.restaurant_id).document(day)


async def _read_stored_days(
    restaurant: RestaurantContext, days: Iterable[str]
) -> dict[str, DailyRollup]:
    references = [_build_day_reference(restaurant, day) for day in days]
    if not references:
        return {}
    documents = await FirestoreRpc(restaurant.context.firestore).batch_get(
        references, _TIMEOUT_SECONDS
    )
    fields_by_day = {reference.id: documents[reference.path].fields for reference in references}
    return {
        day: fields.get("sources", {})
        for day, fields in fields_by_day.items()
        if fields is not None
    }


async def _recount_days(
    restaurant: RestaurantContext, rollup_builder: RollupBuilder, days: list[str]
) -> None:
    client, restaurant_id = restaurant.context.firestore, restaurant.settings.restaurant_id
    reservations = paths.reservations_collection(client, restaurant_id).select(ANALYTICS_FIELDS)
    for day in days:
        rollup_builder.reset_day(day)
    for first in range(0, len(days), _MAX_DAYS_PER_QUERY):
        days_filter = FieldFilter("localDate", "in", days[first : first + _MAX_DAYS_PER_QUERY])
        query = reservations.where(filter=days_filter)
        async for document in stream_reservation_documents(
            client, restaurant_id, query, restaurant.deadline
        ):
            rollup_builder.add_document(document)


async def _write_days(restaurant: RestaurantContext, rollups: dict[str, DailyRollup]) -> None:
    context, days = restaurant.context, sorted(rollups)
    for first in range(0, len(days), _MAX_DAYS_PER_BATCH):
        batch = context.firestore.batch()
        for day in days[first : first + _MAX_DAYS_PER_BATCH]:
            fields = {"localDate": day, "sources": rollups[day], "updatedAt": context.clock()}
            batch.set(_build_day_reference(restaurant, day), fields)
        await batch.commit(retry=None, timeout=_TIMEOUT_SECONDS)


async def read_analytics_days(
    client: AsyncClient, restaurant_id: str, window: DateWindow
) -> AnalyticsDays:
    """Return the days of a window that were counted.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        window: Which days.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    collection, requested_days = (
        paths.analytics_collection(client, restaurant_id),
        window.list_dates(),
    )
    # By name, which needs no index.
    first = FieldFilter("__name__", ">=", collection.document(requested_days[0]))
    last = FieldFilter("__name__", "<=", collection.document(requested_days[-1]))
    snapshots = await read_documents(
        collection.where(filter=first).where(filter=last), len(requested_days)
    )
    days = {snapshot.id: snapshot.get("sources") for snapshot in snapshots}
    return {
        day: {
            ReservationSystem(name): counts_from_map(counts) for name, counts in days[day].items()
        }
        for day in requested_days
        if day in days
    }
