"""Query the reservations of a restaurant: a window, a search by guest, the journal of one."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from google.cloud.firestore import (
    AsyncClient,
    AsyncCollectionReference,
    DocumentSnapshot,
    FieldFilter,
)
from msgspec import Struct, field

from shared.concurrency import Deadline
from shared.context import AppContext, ConnectedRestaurant, RestaurantContext
from shared.domain.analytics import ANALYTICS_FIELDS, BookingFacts, RollupBuilder
from shared.domain.days import DateWindow
from shared.domain.ledger.document import (
    SEARCH_TERMS_PATH,
    find_diner_name,
    find_start,
    read_external_key,
)
from shared.domain.normalization.field_values import format_local_date, parse_instant
from shared.domain.normalization.identifiers import (
    build_guest_key,
    is_document_id,
    lower_caseless_key,
)
from shared.domain.privacy import is_expired
from shared.domain.reconciliation.compare import (
    FINGERPRINT_FIELDS,
    ReservationFingerprint,
    fingerprint_document,
)
from shared.domain.search import SearchQuery
from shared.domain.validation import flatten_document, read_map
from shared.errors import InvalidCursorError, UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.codec import build_query
from shared.firestore.documents import read_documents, translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient

# A reconciliation recomputes the local dates from here on.
_LOCAL_DATE_LOOKBACK = timedelta(days=2)
_COUNT_TIMEOUT_SECONDS = 12.0

# A search by a common first letter reads no more than this; `next_cursor` continues.
MAX_SCANNED_RESERVATIONS = 500
_READ_SIZE = 100


class LedgerWindow(Struct):
    """OpenTable's reservations in a window.

    Attributes:
        fingerprints: By external key.
        unreadable: Damaged documents by document id.
    """

    fingerprints: dict[str, ReservationFingerprint] = field(default_factory=dict)
    unreadable: dict[str, UnreadableDocumentError] = field(default_factory=dict)

    def add_document(
        self, document_id: str, document: Mapping[str, Any], facts: BookingFacts | None
    ) -> None:
        """Add a document; native reservations are ignored, because OpenTable has none of them."""
        source = read_map(document, "source")
        if source.get("system") != "OPENTABLE":
            return
        try:
            key = read_external_key(document_id, source)
            self.fingerprints[key] = fingerprint_document(document, facts)
        except UnreadableDocumentError as error:
            self.unreadable[document_id] = error


async def load_ledger_window(
    client: FirestoreClient,
    restaurant_id: str,
    window: DateWindow,
    deadline: Deadline,
    rollup_builder: RollupBuilder,
) -> LedgerWindow:
    """Return fingerprints of OpenTable's reservations in a window or without a start time.

    `rollup_builder` counts all reservations read, Lineup's included.
    """
    fields = {*FINGERPRINT_FIELDS, *ANALYTICS_FIELDS}
    in_window = [
        FieldFilter("localDate", ">=", window.start.isoformat()),
        FieldFilter("localDate", "<=", window.end.isoformat()),
    ]
    undated = [FieldFilter("startAt", "==", value=None)]
    ledger_window = LedgerWindow()

    async def read_query(filters: Sequence[FieldFilter]) -> None:
        async for document_id, document in stream_reservation_documents(
            client, restaurant_id, fields, filters, deadline
        ):
            facts = rollup_builder.add_document(document)
            ledger_window.add_document(document_id, document, facts)

    tasks = [asyncio.create_task(read_query(filters)) for filters in (in_window, undated)]
    try:
        with translate_firestore_errors():
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return ledger_window


async def read_unlinked_guest_ids(restaurant: ConnectedRestaurant) -> dict[str, str]:
    """Return the guest ids, by external key, of reservations whose guest is not in the ledger.

    The ids are as OpenTable wrote them. All reservations of the restaurant are read.
    """
    guest_ids: dict[str, str] = {}
    rid = restaurant.access.rid
    fields = ("source", "sync.guest", "sync.opentable.values.guestIdSpelling")
    with translate_firestore_errors():
        async for document_id, document in stream_reservation_documents(
            restaurant.firestore, restaurant.id, fields, (), restaurant.deadline
        ):
            flat = flatten_document(document)
            guest_id = flat.get("source.guestId")
            is_linked = bool(flat.get("sync.guest"))
            if is_linked or not isinstance(guest_id, str) or not build_guest_key(guest_id, rid):
                continue
            # Reconciliation reports damaged documents.
            with suppress(UnreadableDocumentError):
                key = read_external_key(document_id, document["source"])
                guest_ids[key] = _find_guest_id_spelling(flat, guest_id)
    return guest_ids


def _find_guest_id_spelling(flat: Mapping[str, Any], guest_id: str) -> str:
    try:
        spelling = str(flat["sync.opentable"]["values"]["guestIdSpelling"])
    except (KeyError, TypeError):  # none, or a damaged register
        return guest_id
    return spelling if lower_caseless_key(spelling) == guest_id else guest_id


async def count_moved_reservations(restaurant: RestaurantContext) -> int:
    """Return how many of OpenTable's reservations move to another day in the settings' zone."""
    settings = restaurant.settings
    # A problem of another setting does not matter here.
    zone = settings.zone or settings.require_zone()
    earliest_start = restaurant.context.clock() - _LOCAL_DATE_LOOKBACK
    moved_count = 0
    with translate_firestore_errors():
        async for _, document in stream_reservation_documents(
            restaurant.firestore,
            restaurant.id,
            ("source.system", "startAtTimestamp", "localDate"),
            [FieldFilter("startAtTimestamp", ">=", earliest_start)],
            Deadline.after(_COUNT_TIMEOUT_SECONDS),
        ):
            flat, start = flatten_document(document), find_start(document)
            # Native reservations keep the date of their own application.
            if flat.get("source.system") == "OPENTABLE" and start is not None:
                moved_count += format_local_date(start, zone) != flat.get("localDate")
    return moved_count


def stream_reservation_documents(
    client: FirestoreClient,
    restaurant_id: str,
    fields: Iterable[str],
    filters: Sequence[FieldFilter],
    deadline: Deadline,
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield the ids and some fields of the reservations that pass all filters.

    Raises:
        google.api_core.exceptions.GoogleAPIError: Not all of them could be read.
    """
    restaurant = client.document("restaurants", restaurant_id)
    query = build_query(paths.RESERVATIONS_COLLECTION, fields, filters)
    return client.rpc.run_query(restaurant, query, deadline.remaining())


class JournalPage(Struct, frozen=True):
    """A page of a journal, oldest entries first; `next_cursor` is None on the last page."""

    entries: list[dict[str, Any]]
    next_cursor: str | None


async def read_journal_page(
    context: AppContext, restaurant_id: str, document_id: str, limit: int, cursor: str | None
) -> JournalPage:
    """Read a page of a reservation's journal, without expired entries.

    Args:
        cursor: `next_cursor` of the page before, None for the first page.

    Raises:
        InvalidCursorError: The cursor does not come from a page.
    """
    reservations = paths.reservations_collection(context.firestore, restaurant_id)
    journal = paths.journal_collection(reservations.document(document_id))
    query = journal.order_by("occurredAt").order_by("__name__")
    if cursor is not None:
        occurred_at, entry_id = _parse_journal_cursor(cursor)
        position = {"occurredAt": occurred_at, "__name__": journal.document(entry_id)}
        query = query.start_after(position)
    snapshots = await read_documents(query, limit + 1)  # one more shows whether a page follows
    now = context.clock()
    entries = [snapshot.to_dict() or {} for snapshot in snapshots[:limit]]
    next_cursor = None
    # A damaged entry has no time to continue at.
    timed = [s for s in snapshots[:limit] if isinstance(s.get("occurredAt"), datetime)]
    if len(snapshots) > limit and timed:
        occurred_at = timed[-1].get("occurredAt").astimezone(UTC)
        text = f"{occurred_at.isoformat(timespec='microseconds')} {timed[-1].id}"
        next_cursor = base64.urlsafe_b64encode(text.encode()).decode()
    return JournalPage(
        [entry for entry in entries if not is_expired(entry, "journalExpireAt", now)], next_cursor
    )


def _parse_journal_cursor(cursor: str) -> tuple[datetime, str]:
    """Return the time and the id of the last entry of the page before."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
        occurred_at, _, entry_id = text.partition(" ")
        if is_document_id(entry_id):
            return parse_instant(occurred_at), entry_id
    except (binascii.Error, ValueError):
        pass
    raise InvalidCursorError


class _Section(StrEnum):
    """A part of the results, in their order."""

    UPCOMING = "upcoming"
    PAST = "past"
    UNDATED = "undated"


_NEXT_SECTION = {_Section.UPCOMING: _Section.PAST, _Section.PAST: _Section.UNDATED}


class _Position(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ends: after this document of a section, None at the section's start."""

    section: _Section
    local_date: str | None
    document_id: str | None


class SearchPage(Struct, frozen=True):
    """Found reservations by id, in order; `next_cursor` is None on the last page."""

    documents: dict[str, dict[str, Any]]
    next_cursor: str | None


async def search_reservations(
    client: AsyncClient,
    restaurant_id: str,
    query: SearchQuery,
    *,
    today: date,
    limit: int,
    cursor: str | None = None,
) -> SearchPage:
    """Return matching reservations: from today on, then past days, then those without a day.

    Upcoming days come first to last, past days last to first.

    Raises:
        InvalidCursorError: The cursor does not come from a page.
    """
    start = _Position(_Section.UPCOMING, None, None)
    position = start if cursor is None else _decode_cursor(cursor)
    reservations = paths.reservations_collection(client, restaurant_id)
    found: dict[str, dict[str, Any]] = {}
    scanned_count = 0
    while scanned_count < MAX_SCANNED_RESERVATIONS:
        snapshots = await _read_after(position, reservations, query, today)
        scanned_count += len(snapshots)
        for snapshot in snapshots:
            document = snapshot.to_dict() or {}
            if query.matches(find_diner_name(document), document.get("phone")):
                found[snapshot.id] = document
                if len(found) == limit:
                    return SearchPage(found, _encode_cursor(_move_to(position, snapshot)))
        if len(snapshots) == _READ_SIZE:
            position = _move_to(position, snapshots[-1])
            continue
        next_section = _NEXT_SECTION.get(position.section)
        if next_section is None:
            return SearchPage(found, None)
        position = _Position(next_section, None, None)
    return SearchPage(found, _encode_cursor(position))


async def _read_after(
    position: _Position, reservations: AsyncCollectionReference, query: SearchQuery, today: date
) -> list[DocumentSnapshot[Any]]:
    """Read the next candidates of a position's section: the documents with the query's term."""
    candidates = reservations.where(
        filter=FieldFilter(SEARCH_TERMS_PATH, "array_contains", query.index_term)
    )
    if position.section is _Section.UNDATED:
        candidates = candidates.where(filter=FieldFilter("localDate", "==", value=None))
        candidates = candidates.order_by("__name__")
    else:
        is_upcoming = position.section is _Section.UPCOMING
        operator, direction = (">=", "ASCENDING") if is_upcoming else ("<", "DESCENDING")
        candidates = candidates.where(filter=FieldFilter("localDate", operator, today.isoformat()))
        candidates = candidates.order_by("localDate", direction).order_by("__name__", direction)
    if position.document_id is not None:
        after: dict[str, Any] = {"__name__": reservations.document(position.document_id)}
        if position.local_date is not None:
            after["localDate"] = position.local_date
        candidates = candidates.start_after(after)
    return await read_documents(candidates, _READ_SIZE)


def _move_to(position: _Position, snapshot: DocumentSnapshot[Any]) -> _Position:
    return _Position(position.section, snapshot.get("localDate"), snapshot.id)


def _encode_cursor(position: _Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def _decode_cursor(cursor: str) -> _Position:
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(cursor.encode()), type=_Position)
    except ValueError:
        raise InvalidCursorError from None
    local_date, document_id = position.local_date, position.document_id
    is_start = local_date is None and document_id is None
    has_day = local_date is None if position.section is _Section.UNDATED else bool(local_date)
    if not is_start and not (has_day and document_id and is_document_id(document_id)):
        raise InvalidCursorError
    return position
