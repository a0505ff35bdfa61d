"""The poll's cursor: up to when a book was read. It belongs to that book alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def poll_cursor_from_document(document: Mapping[str, Any]) -> datetime | None:
    """Return up to when the book that the settings name was read, or None where it never was.

    Another book's cursor would let the poll pass over all that this one has said before it.

    Args:
        document: The integration's settings as stored; a cursor stored without its rid is
            that of the settings.
    """
    poll, rid = document.get("poll") or {}, document.get("restaurantId")
    cursor: datetime | None = poll.get("cursor")
    return cursor if poll.get("rid", rid) == rid else None


def poll_cursor_to_map(rid: str, cursor: datetime) -> dict[str, Any]:
    """Return a cursor as fields of ``poll``.

    Args:
        rid: Whose book was read.
        cursor: The time before the first request.
    """
    return {"rid": rid, "cursor": cursor}
