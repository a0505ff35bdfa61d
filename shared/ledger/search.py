"""Search a restaurant's reservations of all days by guest."""

import base64
import json
from datetime import date
from enum import StrEnum
from typing import Any

from google.cloud.firestore import (
    AsyncClient,
    AsyncCollectionReference,
    DocumentSnapshot,
    FieldFilter,
)
from msgspec import Struct

from shared.domain.ledger.document import SEARCH_TERMS_PATH, find_diner_name
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.search import SearchQuery
from shared.errors import InvalidCursorError
from shared.firestore import paths
from shared.firestore.documents import read_documents

# A search by a common first letter reads no more than this; `next_cursor` continues.
MAX_SCANNED_RESERVATIONS = 500
_READ_SIZE = 100


class _Section(StrEnum):
    """A part of the results, in their order."""

    UPCOMING = "upcoming"
    PAST = "past"
    UNDATED = "undated"


_NEXT_SECTION = {
    _Section.UPCOMING: _Section.PAST,
    _Section.PAST: _Section.UNDATED,
    _Section.UNDATED: None,
}


class _Position(Struct, frozen=True):
    """Where a page ends: after this document of a section, None at the section's start."""

    section: _Section
    local_date: str | None = None
    document_id: str | None = None


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
    position = _Position(_Section.UPCOMING) if cursor is None else _decode_cursor(cursor)
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
        next_section = _NEXT_SECTION[position.section]
        if next_section is None:
            return SearchPage(found, None)
        position = _Position(next_section)
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
    parts = [position.section.value, position.local_date, position.document_id]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode_cursor(cursor: str) -> _Position:
    try:
        section, local_date, document_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        position = _Position(_Section(section), local_date, document_id)
    except (ValueError, TypeError):
        raise InvalidCursorError from None
    if document_id is None and local_date is None:
        return position
    has_day = local_date is None if position.section is _Section.UNDATED else bool(local_date)
    is_typed = isinstance(document_id, str) and isinstance(local_date, str | None)
    if not (is_typed and has_day and is_document_id(document_id)):
        raise InvalidCursorError
    return position
