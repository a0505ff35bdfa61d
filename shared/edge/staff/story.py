"""A reservation's journal by the page, oldest first."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import DocumentSnapshot
from msgspec import Struct

from shared.core.retention import is_expired
from shared.core.times import parse_instant
from shared.edge import paths
from shared.edge.reading import read_documents
from shared.edge.services import AppContext


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
