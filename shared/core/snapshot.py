"""OpenTable's own reservation object, from its webhook (v3) or its Sync v2 API, as a change.

Both carry the same reservation in full; what only one of them carries is not taken, so that
the same ``sequence_id`` says the same whichever way it comes. A key that is absent says
nothing; null says that there is none. Unknown keys are ignored: OpenTable adds and removes
fields without notice.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from shared.core import fields
from shared.core.change import Change, Source, Speaker, Value, Version
from shared.core.keys import external_key, guest_key, object_event_id, prefixed
from shared.core.states import status_of
from shared.core.times import instant_of
from shared.errors import RejectedStatementError

EVENT_TYPE = "reservation.snapshot"

_TEXTS = {
    "guest_request": "specialRequests",
    "venue_notes": "venueNotes",
    "opentable_notes": "openTableNotes",
    "table_category": "tableCategory",
    "server": "server",
    "origin": "origin",
}
_LISTS = {"table_number": "tableNumbers", "visit_tags": "visitTags"}
_MOMENTS = {
    "created_date": "bookedAt",
    "arrived_time": "arrivedAt",
    "seated_time": "seatedAt",
    "done_time": "completedAt",
}


def change_from_object(
    row: dict[str, Any], payload: str, *, rid: str, zone: ZoneInfo, source: Source
) -> Change:
    """Read one of OpenTable's reservation objects.

    Args:
        row: The parsed JSON object.
        payload: The same, as text.
        rid: The restaurant's OpenTable number; a row of another restaurant is refused.
        zone: The restaurant's zone, for moments that come in local time alone.
        source: Which way it came.

    Raises:
        RejectedStatementError: When it cannot be applied; the reason names the field.
    """
    if fields.identifier(row.get("rid")) != rid:
        raise RejectedStatementError("wrong_rid", "The row's rid is another restaurant's.")
    open_table_id = row_id(row)
    sequence_id = fields.integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = fields.instant_or_none(row, "updated_at", zone)
    if updated_at is None:
        raise fields.invalid("updated_at_utc", "an ISO 8601 date and time")
    said: dict[str, Value] = {"openTableId": prefixed(open_table_id, rid)}
    return Change(
        external_key=external_key(open_table_id, rid),
        event_id=object_event_id(sequence_id),
        event_type=EVENT_TYPE,
        speaker=Speaker.OPENTABLE,
        version=Version.of_object(sequence_id, updated_at),
        said=said | _plain(row, rid) | _moments(row, zone) | _state(row),
        payload=payload,
        source=source,
    )


def row_id(row: dict[str, Any]) -> str:
    """Return a row's id as OpenTable wrote it.

    Raises:
        RejectedStatementError: When it has none.
    """
    open_table_id = fields.identifier(row.get("id"))
    if open_table_id is None:
        raise RejectedStatementError("invalid_id", "The row's id is missing or no text.")
    return open_table_id


def _plain(row: dict[str, Any], rid: str) -> dict[str, Value]:
    said: dict[str, Value] = {
        field: None if row[name] is None else fields.text(name, row[name])
        for name, field in _TEXTS.items()
        if name in row
    }
    said |= {field: fields.texts(name, row[name]) for name, field in _LISTS.items() if name in row}
    if row.get("party_size") is not None:
        said["partySize"] = fields.party_size("party_size", row["party_size"])
    if "confirmation_id" in row:
        said["confirmationId"] = _confirmation_id(row["confirmation_id"])
    if "guest_id" in row:
        said |= _guest(row["guest_id"], rid)
    return said


def _guest(guest_id: object, rid: str) -> dict[str, Value]:
    identifier = fields.identifier(guest_id)
    written = identifier and fields.text("guest_id", identifier)
    if written is None:
        return {"guestId": None, "guestKey": None}
    return {"guestId": prefixed(written, rid), "guestKey": guest_key(written, rid)}


def _confirmation_id(value: object) -> Value:
    if isinstance(value, int):
        return fields.integer("confirmation_id", value, 0)
    return None if value is None else fields.text("confirmation_id", value)


def _moments(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Value]:
    said: dict[str, Value] = {
        field: fields.instant_or_none(row, name, zone)
        for name, field in _MOMENTS.items()
        if fields.speaks_of(row, name)
    }
    scheduled = fields.instant(row, "scheduled_time", zone)
    if scheduled is not None:
        said["startAt"] = scheduled.instant.replace(microsecond=0)
        said["startAtNote"] = scheduled.note and scheduled.note.value
    return said


def _state(row: dict[str, Any]) -> dict[str, Value]:
    if row.get("state") is None:
        return {}
    state = fields.text("state", row["state"])
    status = status_of(state) if state else None
    said: dict[str, Value] = {"state": state} if state else {}
    return said | ({"status": status.value} if status else {})


def contradicts_zone(row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a row's local and UTC times cannot both be right in the restaurant's zone.

    OpenTable never names a zone, so a wrong one in the settings shows in its rows alone. A row
    that does not carry both times, or cannot be read, contradicts nothing.

    Args:
        row: OpenTable's reservation object.
        zone: The zone of the settings.
    """
    try:
        exact = instant_of(row["scheduled_time_utc"])
        local = instant_of(row["scheduled_time"])
    except (KeyError, ValueError, AttributeError):
        return False
    return exact.astimezone(zone).replace(tzinfo=UTC) != local
