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

from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.normalization import fields
from shared.domain.normalization.fields import parse_instant, parse_status
from shared.domain.normalization.identifiers import (
    add_rid_prefix,
    build_external_key,
    build_guest_key,
    build_object_event_id,
)
from shared.errors import InvalidEventError

SNAPSHOT_EVENT_TYPE = "reservation.snapshot"

_TEXT_FIELDS = {
    "guest_request": "specialRequests",
    "venue_notes": "venueNotes",
    "opentable_notes": "openTableNotes",
    "table_category": "tableCategory",
    "server": "server",
    "origin": "origin",
}
_LIST_FIELDS = {"table_number": "tableNumbers", "visit_tags": "visitTags"}
_TIME_FIELDS = {
    "created_date": "bookedAt",
    "arrived_time": "arrivedAt",
    "seated_time": "seatedAt",
    "done_time": "completedAt",
}


def parse_opentable_reservation(
    row: dict[str, Any], payload: str, *, rid: str, zone: ZoneInfo, channel: Channel
) -> ReservationEvent:
    """Read one of OpenTable's reservation objects.

    Args:
        row: The parsed JSON object.
        payload: The same, as text.
        rid: The restaurant's OpenTable number; a row of another restaurant is refused.
        zone: The restaurant's zone, for moments that come in local time alone.
        channel: Which way it came.

    Raises:
        RejectedStatementError: When it cannot be applied; the reason names the field.
    """
    if fields.parse_identifier(row.get("rid")) != rid:
        raise InvalidEventError("wrong_rid", "The row's rid is another restaurant's.")
    open_table_id = read_row_id(row)
    sequence_id = fields.parse_integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = fields.parse_row_instant(row, "updated_at", zone)
    if updated_at is None:
        raise fields.build_field_error("updated_at_utc", "an ISO 8601 date and time")
    values: dict[str, FieldValue] = {"openTableId": add_rid_prefix(open_table_id, rid)}
    return ReservationEvent(
        external_key=build_external_key(open_table_id, rid),
        event_id=build_object_event_id(sequence_id),
        event_type=SNAPSHOT_EVENT_TYPE,
        actor=Actor.OPENTABLE,
        version=Version.from_sequence(sequence_id, updated_at),
        fields=values
        | _parse_details(row, rid)
        | _parse_times(row, zone)
        | _parse_state_fields(row),
        payload=payload,
        channel=channel,
    )


def read_row_id(row: dict[str, Any]) -> str:
    """Return a row's id as OpenTable wrote it.

    Raises:
        RejectedStatementError: When it has none.
    """
    open_table_id = fields.parse_identifier(row.get("id"))
    if open_table_id is None:
        raise InvalidEventError("invalid_id", "The row's id is missing or no text.")
    return open_table_id


def _parse_details(row: dict[str, Any], rid: str) -> dict[str, FieldValue]:
    values: dict[str, FieldValue] = {
        field: None if row[name] is None else fields.parse_text(name, row[name])
        for name, field in _TEXT_FIELDS.items()
        if name in row
    }
    values |= {
        field: fields.parse_text_list(name, row[name])
        for name, field in _LIST_FIELDS.items()
        if name in row
    }
    if row.get("party_size") is not None:
        values["partySize"] = fields.parse_party_size("party_size", row["party_size"])
    if "confirmation_id" in row:
        values["confirmationId"] = _parse_confirmation_id(row["confirmation_id"])
    if "guest_id" in row:
        values |= _parse_guest_reference(row["guest_id"], rid)
    return values


def _parse_guest_reference(guest_id: object, rid: str) -> dict[str, FieldValue]:
    identifier = fields.parse_identifier(guest_id)
    raw_id = identifier and fields.parse_text("guest_id", identifier)
    if raw_id is None:
        return {"guestId": None, "guestKey": None}
    return {"guestId": add_rid_prefix(raw_id, rid), "guestKey": build_guest_key(raw_id, rid)}


def _parse_confirmation_id(value: object) -> FieldValue:
    if isinstance(value, int):
        return fields.parse_integer("confirmation_id", value, 0)
    return None if value is None else fields.parse_text("confirmation_id", value)


def _parse_times(row: dict[str, Any], zone: ZoneInfo) -> dict[str, FieldValue]:
    values: dict[str, FieldValue] = {
        field: fields.parse_row_instant(row, name, zone)
        for name, field in _TIME_FIELDS.items()
        if fields.has_row_time(row, name)
    }
    scheduled = fields.parse_row_time(row, "scheduled_time", zone)
    if scheduled is not None:
        values["startAt"] = scheduled.instant.replace(microsecond=0)
        values["startAtNote"] = scheduled.note and scheduled.note.value
    return values


def _parse_state_fields(row: dict[str, Any]) -> dict[str, FieldValue]:
    if row.get("state") is None:
        return {}
    state = fields.parse_text("state", row["state"])
    status = parse_status(state) if state else None
    values: dict[str, FieldValue] = {"state": state} if state else {}
    return values | ({"status": status.value} if status else {})


def has_time_zone_conflict(row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a row's local and UTC times cannot both be right in the restaurant's zone.

    OpenTable never names a zone, so a wrong one in the settings shows in its rows alone. A row
    that does not carry both times, or cannot be read, contradicts nothing.

    Args:
        row: OpenTable's reservation object.
        zone: The zone of the settings.
    """
    try:
        utc_time = parse_instant(row["scheduled_time_utc"])
        local_time = parse_instant(row["scheduled_time"])
    except (KeyError, ValueError, AttributeError):
        return False
    return utc_time.astimezone(zone).replace(tzinfo=UTC) != local_time
