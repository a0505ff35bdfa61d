"""A reservation's journal by the page, oldest first."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import DocumentSnapshot
from msgspec import Struct

from shared.core.retention import is_gone
from shared.core.times import instant_of
from shared.edge import paths
from shared.edge.reading import read_some
from shared.edge.services import Services


class InvalidCursorError(ValueError):
    """A page was asked for by a cursor that no page gave."""


class StoryPage(Struct, frozen=True):
    """A page of a journal.

    Attributes:
        entries: The entries, oldest first.
        next: The cursor of the page after it, None on the last.
    """

    entries: list[dict[str, Any]]
    next: str | None


async def read_story(
    services: Services, restaurant_id: str, document_id: str, most: int, cursor: str | None
) -> StoryPage:
    """Read a page of a reservation's journal.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        document_id: The reservation's document.
        most: The size of the page; entries that have expired are left out of it.
        cursor: Of the page asked for, None for the first.

    Raises:
        InvalidCursorError: When the cursor is none of ours.
        LedgerUnavailableError: When it cannot be read now.
    """
    reservation = paths.reservations(services.firestore, restaurant_id).document(document_id)
    journal = paths.journal(reservation)
    query = journal.order_by("occurredAt").order_by("__name__")
    if cursor is not None:
        at, entry_id = _read_cursor(cursor)
        query = query.start_after({"occurredAt": at, "__name__": journal.document(entry_id)})
    found = await read_some(query, most + 1)
    read, now = [snapshot.to_dict() or {} for snapshot in found[:most]], services.clock()
    entries = [entry for entry in read if not is_gone(entry, "journalExpireAt", now)]
    return StoryPage(entries, _cursor(found[most - 1]) if len(found) > most else None)


def _cursor(last: DocumentSnapshot[Any]) -> str:
    at = last.get("occurredAt").astimezone(UTC).isoformat(timespec="microseconds")
    return base64.urlsafe_b64encode(f"{at} {last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, entry_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        if not entry_id or "/" in entry_id:
            raise InvalidCursorError
        return instant_of(at), entry_id
    except (binascii.Error, ValueError):
        raise InvalidCursorError from None
