"""Normalize OpenTable's reservation object, from its webhook (v3) or its Sync v2 API.

Both formats contain the complete reservation. Keys of only one format are not read: the same
``sequence_id`` must give the same event on every channel. An absent key reports nothing; null
clears the value, except that of the start and the party size. Unknown keys are ignored: OpenTable
adds and removes fields without notice.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.ledger.fields import RESERVATION_FIELDS, FieldKind
from shared.domain.normalization import field_values
from shared.domain.normalization.canonical import (
    DEFAULT_MAX_TEXT_BYTES,
    SPELLING_SUFFIX,
    canonicalize_field,
    cut_texts,
)
from shared.domain.normalization.identifiers import (
    add_rid_prefix,
    build_external_key,
    build_guest_key,
    build_object_event_id,
    lower_caseless_key,
)
from shared.errors import InvalidEventError

SNAPSHOT_EVENT_TYPE = "reservation.snapshot"

_NAMES_BY_KIND = {
    kind: [
        (field.opentable_name, field.name)
        for field in RESERVATION_FIELDS
        if field.kind is kind and field.opentable_name is not None
    ]
    for kind in FieldKind
}


def parse_opentable_reservation(
    row: dict[str, Any],
    payload: str,
    *,
    rid: str,
    zone: ZoneInfo,
    channel: Channel,
    max_text_bytes: int = DEFAULT_MAX_TEXT_BYTES,
) -> ReservationEvent:
    """Normalize a reservation object of OpenTable's.

    Args:
        rid: The restaurant's OpenTable number; a row of another restaurant is rejected.
        zone: The restaurant's zone, for times without a UTC key.
        max_text_bytes: The limit of each text; the rest is cut.

    Raises:
        InvalidEventError: A value cannot be used; the reason names the field.
    """
    if field_values.parse_identifier(row.get("rid")) != rid:
        raise InvalidEventError("wrong_rid", "The row's rid belongs to another restaurant.")
    open_table_id = read_row_id(row)
    sequence_id = field_values.parse_integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = field_values.parse_row_instant(row, "updated_at", zone)
    if updated_at is None:
        raise field_values.build_field_error("updated_at_utc", "an ISO 8601 date and time")
    return ReservationEvent(
        external_key=build_external_key(open_table_id, rid),
        event_id=build_object_event_id(sequence_id),
        event_type=SNAPSHOT_EVENT_TYPE,
        actor=Actor.OPENTABLE,
        version=Version.from_sequence(sequence_id, updated_at),
        fields=cut_texts(
            {
                **_build_id_fields("openTableId", open_table_id, rid),
                **_parse_plain_fields(row, zone),
                **_parse_custom_fields(row, rid, zone),
            },
            max_text_bytes,
        ),
        payload=payload,
        channel=channel,
    )


def read_row_id(row: Mapping[str, Any]) -> str:
    """Return a row's id as OpenTable wrote it.

    Raises:
        InvalidEventError: The row has none.
    """
    open_table_id = field_values.parse_identifier(row.get("id"))
    if open_table_id is None:
        raise InvalidEventError("invalid_id", "The row's id is missing or not text.")
    return open_table_id


def _parse_plain_fields(row: dict[str, Any], zone: ZoneInfo) -> dict[str, FieldValue]:
    """Parse texts, lists, sets and instants."""
    values: dict[str, FieldValue] = {}
    for key, name in _NAMES_BY_KIND[FieldKind.TEXT]:
        if key in row:
            values[name] = None if row[key] is None else field_values.parse_text(key, row[key])
    for name in field_values.WORD_FIELDS & values.keys():
        values[name] = canonicalize_field(name, values[name])
    for key, name in _NAMES_BY_KIND[FieldKind.TEXT_LIST]:
        if key in row:
            values[name] = field_values.parse_text_list(key, row[key])
    for key, name in _NAMES_BY_KIND[FieldKind.TEXT_SET]:
        if key in row:
            values[name] = field_values.parse_text_set(key, row[key])
    return values | _parse_instants(row, zone)


def _parse_instants(row: dict[str, Any], zone: ZoneInfo) -> dict[str, FieldValue]:
    """Parse the times other than the start.

    A local time without its UTC time may have two readings. Then it is left out: a wrong guess
    would contradict the same event of another channel.
    """
    instants: dict[str, FieldValue] = {}
    for key, name in _NAMES_BY_KIND[FieldKind.INSTANT]:
        if key in row or f"{key}_utc" in row:
            parsed = field_values.parse_row_time(row, key, zone)
            if parsed is None:
                instants[name] = None
            elif parsed.note is None:
                instants[name] = parsed.instant
    return instants


def _parse_custom_fields(row: dict[str, Any], rid: str, zone: ZoneInfo) -> dict[str, FieldValue]:
    """Parse ids, numbers, the start and the state. An empty start or party size reports nothing."""
    values = field_values.parse_state("state", row.get("state"))
    if not field_values.is_absent(row.get("party_size")):
        values["partySize"] = field_values.parse_party_size("party_size", row["party_size"])
    start = field_values.parse_row_time(row, "scheduled_time", zone)
    if start is not None:
        values |= field_values.build_start_fields(start)
    if "confirmation_id" in row:
        confirmation_id = field_values.canonicalize_number(row["confirmation_id"])
        if isinstance(confirmation_id, int):
            confirmation_id = field_values.parse_integer("confirmation_id", confirmation_id, 0)
        elif confirmation_id is not None:
            confirmation_id = field_values.parse_text("confirmation_id", confirmation_id)
        values["confirmationId"] = confirmation_id
    if "guest_id" in row:
        identifier = field_values.parse_identifier(row["guest_id"])
        guest_id = identifier and field_values.parse_text("guest_id", identifier)
        values |= _build_id_fields("guestId", guest_id, rid) if guest_id else {"guestId": None}
        values["guestKey"] = guest_id and build_guest_key(guest_id, rid)
    return values


def _build_id_fields(name: str, id_: str, rid: str) -> dict[str, FieldValue]:
    """Return the canonical id, and OpenTable's spelling for requests if it differs."""
    spelling = add_rid_prefix(id_, rid)
    canonical_id = lower_caseless_key(spelling)
    spelling_fields = {} if spelling == canonical_id else {name + SPELLING_SUFFIX: spelling}
    return {name: canonical_id, **spelling_fields}


def has_time_zone_conflict(row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a row's local and UTC start times contradict each other in the restaurant's zone.

    OpenTable never sends a zone, so only its rows reveal a wrong one in the settings. A row without
    both times, or with an unreadable one, is no evidence. A local time in a skipped or repeated
    hour has two readings, and either may be the UTC time.
    """
    try:
        utc_time = field_values.parse_instant(row["scheduled_time_utc"])
        readings = field_values.list_local_time_readings(row["scheduled_time"], zone)
    except (KeyError, ValueError, AttributeError):
        return False
    return utc_time.replace(microsecond=0) not in readings
