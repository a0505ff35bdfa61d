"""Store a restaurant's daily analytics counts and read them.

A reconciliation counts the reservations while it reads the ledger, so counting costs no extra
reads. Its own corrections are then added to the counts. Only a day outside the run's window, from
or to which a reservation was moved, is read again. Unchanged days are not written: the nightly run
reads the stored counts, an hourly run compares digests in the settings document.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter

from shared.concurrency import batched
from shared.context import ConnectedRestaurant, RestaurantContext
from shared.domain.analytics import (
    ANALYTICS_FIELDS,
    AnalyticsDays,
    DailyRollup,
    RollupBuilder,
    rollup_from_document,
)
from shared.domain.days import DEFAULT_DAYS_AHEAD, DateWindow
from shared.domain.ledger.document import render_document
from shared.domain.reconciliation.compare import ReservationFingerprint
from shared.domain.validation import nest_fields
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import (
    LARGE_WRITE_TIMEOUT_SECONDS,
    QUERY_TIMEOUT_SECONDS,
    read_documents,
)
from shared.firestore.leases import Lease
from shared.ledger.ledger import ApplyResult, Ledger
from shared.ledger.queries import stream_reservation_documents
from shared.log import LogEvent, Severity, log_event

_MAX_DAYS_PER_QUERY = 30  # Firestore's limit of values in one `in` filter
_MAX_DAYS_PER_BATCH = 100

DayDigests = dict[str, str]
"""A digest of the stored counts by day."""


def create_rollup_builder(restaurant: RestaurantContext, window: DateWindow) -> RollupBuilder:
    """Return an empty builder for a window's days, up to `DEFAULT_DAYS_AHEAD` days from today.

    Later days are left out: no hourly run would keep their counts up to date.
    """
    zone, now = restaurant.settings.require_zone(), restaurant.context.clock()
    last_day = now.astimezone(zone).date() + timedelta(days=DEFAULT_DAYS_AHEAD)
    return RollupBuilder((day for day in window.list_dates() if day <= last_day.isoformat()), zone)


def add_corrections(
    restaurant: RestaurantContext,
    rollup_builder: RollupBuilder,
    fingerprints: Mapping[str, ReservationFingerprint],
    applied: Iterable[ApplyResult],
) -> set[str]:
    """Add a run's corrections to its counts; return the days outside the run to recount.

    `rollup_builder` has the counts of the ledger before the corrections, and `fingerprints` the
    counted reservations, by external key.
    """
    ledger = Ledger(restaurant)
    outside_days: set[str] = set()
    for key, last_result in {result.event.external_key: result for result in applied}.items():
        if key in fingerprints:
            rollup_builder.remove_booking(fingerprints[key].booking_facts)
        document = nest_fields(render_document(ledger.build_identity(key), last_result.state))
        facts = rollup_builder.add_document(document)
        if facts is not None:
            outside_days.add(facts.local_date)
        if last_result.write is not None:
            # A moved reservation changes the counts of both days.
            moved = last_result.write.entry["changes"].get("localDate", {})
            outside_days.update(filter(_is_date, moved.values()))
    return outside_days - rollup_builder.days


def _is_date(day: object) -> bool:
    """Whether a day is a date: there may be none, or one edited by hand."""
    with suppress(TypeError, ValueError):
        return isinstance(day, str) and date.fromisoformat(day).isoformat() == day
    return False


async def recount_analytics(restaurant: ConnectedRestaurant, window: DateWindow) -> None:
    """Count a window's days from the ledger and store the changed days.

    Like `store_days`, it never fails if Firestore is unavailable.
    """
    rollup_builder = create_rollup_builder(restaurant, window)
    await store_days(restaurant, rollup_builder, set(rollup_builder.days))


async def store_days(
    restaurant: ConnectedRestaurant,
    rollup_builder: RollupBuilder,
    recount_days: set[str],
    lease: Lease | None = None,
    known_digests: DayDigests | None = None,
) -> DayDigests | None:
    """Recount some days from the ledger, then store the changed days; return all digests.

    Never fails the run: if Firestore is unavailable, it returns None and the next run stores the
    counts. The lease of the run is acquired before a write. `known_digests` is the result of an
    earlier run; None reads the stored counts.

    Raises:
        RunInProgressError: Another run has the lease.
    """
    days_to_read = recount_days if known_digests is not None else recount_days | rollup_builder.days
    try:
        collection = paths.analytics_collection(restaurant.firestore, restaurant.id)
        documents = await restaurant.firestore.rpc.read_existing(
            [collection.document(day) for day in days_to_read], QUERY_TIMEOUT_SECONDS
        )
        stored: dict[str, DailyRollup] = {
            day: fields.get("sources", {}) for day, fields in documents.items()
        }
        stored_digests = {day: _compute_digest(rollup) for day, rollup in stored.items()}
        # A day outside the window is recounted only if it was counted before: otherwise its
        # reservations in the ledger may be incomplete.
        days = recount_days & (stored.keys() | rollup_builder.days)
        await _recount_days(restaurant, rollup_builder, sorted(days))
        rollups = rollup_builder.build_rollups()
        known = (known_digests or {}) | stored_digests
        digests = {day: _compute_digest(rollup) for day, rollup in rollups.items()}
        changed_days = sorted(day for day in rollups if known.get(day) != digests[day])
        if changed_days and lease is not None:
            await lease.ensure_acquired()
        await _write_rollups(restaurant, {day: rollups[day] for day in changed_days})
    except (google.GoogleAPIError, ServiceUnavailableError) as error:
        log_event(
            Severity.WARNING,
            LogEvent.ANALYTICS_DELAYED,
            restaurantId=restaurant.id,
            error=type(error).__name__,
        )
        return None
    return digests


def _compute_digest(rollup: DailyRollup) -> str:
    content = json.dumps(rollup, sort_keys=True, default=str)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


async def _recount_days(
    restaurant: ConnectedRestaurant, rollup_builder: RollupBuilder, days: list[str]
) -> None:
    client, restaurant_id = restaurant.firestore, restaurant.id
    for day in days:
        rollup_builder.reset_day(day)
    for queried_days in batched(days, _MAX_DAYS_PER_QUERY):
        days_filter = FieldFilter("localDate", "in", queried_days)
        async for _, document in stream_reservation_documents(
            client, restaurant_id, ANALYTICS_FIELDS, [days_filter], restaurant.deadline
        ):
            rollup_builder.add_document(document)


async def _write_rollups(restaurant: RestaurantContext, rollups: Mapping[str, DailyRollup]) -> None:
    context = restaurant.context
    collection = paths.analytics_collection(restaurant.firestore, restaurant.id)
    retention = timedelta(days=context.environment.analytics_retention_days)
    for items in batched(list(rollups.items()), _MAX_DAYS_PER_BATCH):
        batch = context.firestore.batch()
        for day, rollup in items:
            fields = {
                "localDate": day,
                "sources": rollup,
                "updatedAt": context.clock(),
                "analyticsExpireAt": datetime.combine(date.fromisoformat(day), time.min, UTC)
                + retention,
            }
            batch.set(collection.document(day), fields)
        await batch.commit(retry=None, timeout=LARGE_WRITE_TIMEOUT_SECONDS)


async def read_analytics_days(
    client: AsyncClient, restaurant_id: str, window: DateWindow
) -> AnalyticsDays:
    """Return the stored days of a window."""
    collection = paths.analytics_collection(client, restaurant_id)
    requested_days = window.list_dates()
    # A range of document ids needs no composite index.
    first = FieldFilter("__name__", ">=", collection.document(requested_days[0]))
    last = FieldFilter("__name__", "<=", collection.document(requested_days[-1]))
    query = collection.where(filter=first).where(filter=last)
    return {
        snapshot.id: rollup_from_document(snapshot.to_dict() or {})
        for snapshot in await read_documents(query, len(requested_days))
        # An id that is no day may lie in the range; the CSV file would repeat it.
        if snapshot.id in requested_days
    }
