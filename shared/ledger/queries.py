"""A restaurant's day out of the ledger, and a tag by which an unchanged one costs two reads.

A reservation's journal by the page, oldest first.

The ledger's side of a run: marks of what is held in a window, and whom nobody joined yet.
"""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter, Or
from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.analytics.rollup import ANALYTICS_FIELDS, RollupBuilder
from shared.domain.backfill import DateWindow
from shared.domain.ledger.document import flatten_document
from shared.domain.normalization.fields import parse_instant
from shared.domain.normalization.identifiers import build_guest_key
from shared.domain.privacy import is_expired
from shared.domain.reconciliation.compare import (
    COMPARED_FIELDS,
    ReservationFingerprint,
    fingerprint_document,
)
from shared.firestore import paths
from shared.firestore.documents import count_documents, read_documents, translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient, build_query

MAX_DAY_RESERVATIONS = 2_000
MAX_UNDATED_RESERVATIONS = 200
DocumentData = dict[str, Any]


class DayReservations(Struct, frozen=True):
    """A day as Firestore held it.

    Attributes:
        dated: Document id to document, of the reservations on that day.
        undated: The same, of those whose time is not known yet.
    """

    dated: dict[str, DocumentData]
    undated: dict[str, DocumentData]


async def compute_day_etag(client: AsyncClient, restaurant_id: str, date: str, zone: str) -> str:
    """Return a text that changes whenever what a day shows does, at the price of two reads.

    A document that comes or changes is the newest; one that leaves changes the count.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        date: The local date, ``YYYY-MM-DD``.
        zone: The zone's name, in which times are shown.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    on_date = FieldFilter("localDate", "==", date)
    undated = FieldFilter("localDate", "==", value=None)
    day_query = paths.reservations_collection(client, restaurant_id).where(
        filter=Or([on_date, undated])
    )
    newest_first_query = day_query.order_by("updatedAt", direction=AsyncQuery.DESCENDING)
    newest_snapshots = await read_documents(newest_first_query.select(["updatedAt"]), 1)
    newest_writes = [(snapshot.id, str(snapshot.update_time)) for snapshot in newest_snapshots]
    content = repr((date, zone, newest_writes, await count_documents(day_query)))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


async def read_day_reservations(
    client: AsyncClient, restaurant_id: str, date: str
) -> DayReservations:
    """Read the reservations of a day, and those whose day is not known yet.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        date: The local date, ``YYYY-MM-DD``.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    reservations = paths.reservations_collection(client, restaurant_id)
    on_date = reservations.where(filter=FieldFilter("localDate", "==", date))
    undated = reservations.where(filter=FieldFilter("localDate", "==", value=None))
    return DayReservations(
        await _read_documents(on_date, MAX_DAY_RESERVATIONS),
        await _read_documents(undated, MAX_UNDATED_RESERVATIONS),
    )


async def _read_documents(query: AsyncQuery, limit: int) -> dict[str, DocumentData]:
    return {
        snapshot.id: snapshot.to_dict() or {} for snapshot in await read_documents(query, limit)
    }


class InvalidCursorError(ValueError):
    """A page was asked for by a cursor that no page gave."""


class JournalPage(Struct, frozen=True):
    """A page of a journal.

    Attributes:
        entries: The entries, oldest first.
        next_cursor: The cursor of the page after it, None on the last.
    """

    entries: list[dict[str, Any]]
    next_cursor: str | None


async def read_journal_page(
    context: AppContext, restaurant_id: str, document_id: str, limit: int, cursor: str | None
) -> JournalPage:
    """Read a page of a reservation's journal.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        document_id: The reservation's document.
        limit: The size of the page; entries that have expired are left out of it.
        cursor: Of the page asked for, None for the first.

    Raises:
        InvalidCursorError: When the cursor is none of ours.
        LedgerUnavailableError: When it cannot be read now.
    """
    reservation = paths.reservations_collection(context.firestore, restaurant_id).document(
        document_id
    )
    journal = paths.journal_collection(reservation)
    query = journal.order_by("occurredAt").order_by("__name__")
    if cursor is not None:
        occurred_at, entry_id = _decode_cursor(cursor)
        query = query.start_after(
            {"occurredAt": occurred_at, "__name__": journal.document(entry_id)}
        )
    snapshots = await read_documents(query, limit + 1)
    stored_entries, now = (
        [snapshot.to_dict() or {} for snapshot in snapshots[:limit]],
        context.clock(),
    )
    entries = [entry for entry in stored_entries if not is_expired(entry, "journalExpireAt", now)]
    return JournalPage(
        entries, _encode_cursor(snapshots[limit - 1]) if len(snapshots) > limit else None
    )


def _encode_cursor(last_entry: DocumentSnapshot[Any]) -> str:
    occurred_at = last_entry.get("occurredAt").astimezone(UTC).isoformat(timespec="microseconds")
    return base64.urlsafe_b64encode(f"{occurred_at} {last_entry.id}".encode()).decode()


def _decode_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        occurred_at, _, entry_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        if not entry_id or "/" in entry_id:
            raise InvalidCursorError
        return parse_instant(occurred_at), entry_id
    except (binascii.Error, ValueError):
        raise InvalidCursorError from None


async def load_ledger_window(
    client: FirestoreClient,
    restaurant_id: str,
    window: DateWindow,
    deadline: Deadline,
    rollup_builder: RollupBuilder,
) -> dict[str, ReservationFingerprint]:
    """Return a mark by external key for all that is held in a window, or without a start.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger.
        window: Local dates.
        deadline: Bounds the reading.
        rollup_builder: Counts what is read, Lineup's own reservations too.

    Raises:
        LedgerUnavailableError: When it could not be read whole.
    """
    fields = {*COMPARED_FIELDS, *ANALYTICS_FIELDS}
    in_window = [
        FieldFilter("localDate", ">=", window.start.isoformat()),
        FieldFilter("localDate", "<=", window.end.isoformat()),
    ]
    undated = [FieldFilter("startAt", "==", value=None)]
    fingerprints: dict[str, ReservationFingerprint] = {}

    async def read_query(filters: Sequence[FieldFilter]) -> None:
        async for document in stream_reservation_documents(
            client, restaurant_id, fields, filters, deadline
        ):
            facts = rollup_builder.add_document(document)
            source = document.get("source") or {}
            if source.get("system") == "OPENTABLE":
                fingerprints[source["externalReservationId"]] = fingerprint_document(
                    document, facts
                )

    tasks = [asyncio.create_task(read_query(filters)) for filters in (in_window, undated)]
    try:
        with translate_firestore_errors():
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return fingerprints


async def read_unlinked_guest_ids(
    client: FirestoreClient, restaurant_id: str, rid: str, deadline: Deadline
) -> dict[str, str]:
    """Return the guest's id of every reservation that names a guest and shows none, by key.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger, read whole.
        rid: The restaurant's OpenTable number.
        deadline: Bounds the reading.

    Raises:
        LedgerUnavailableError: When it could not be read whole.
    """
    guest_ids: dict[str, str] = {}
    with translate_firestore_errors():
        async for document in stream_reservation_documents(
            client, restaurant_id, ("source", "sync.guest"), (), deadline
        ):
            flat = flatten_document(document)
            guest_id = flat.get("source.guestId")
            if guest_id and not flat.get("sync.guest") and build_guest_key(guest_id, rid):
                guest_ids[flat["source.externalReservationId"]] = guest_id
    return guest_ids


def stream_reservation_documents(
    client: FirestoreClient,
    restaurant_id: str,
    fields: Iterable[str],
    filters: Sequence[FieldFilter],
    deadline: Deadline,
) -> AsyncIterator[dict[str, Any]]:
    """Yield some fields of the reservations that pass all filters.

    Raises:
        google.api_core.exceptions.GoogleAPIError: Not all of them could be read.
    """
    restaurant = client.document("restaurants", restaurant_id)
    query = build_query(paths.RESERVATIONS_COLLECTION, fields, filters)
    return client.rpc.run_query(restaurant, query, deadline.remaining())
