"""The signed envelope of a relay, read into a change.

``updated`` and ``cancelled`` are patches: a missing field says nothing, and null is the same as
missing. snake_case spellings and a few aliases are read too; the canonical name wins.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.normalization import fields
from shared.domain.normalization.fields import ReservationStatus, parse_instant, parse_status
from shared.domain.normalization.identifiers import build_envelope_event_id, build_external_key
from shared.errors import InvalidEventError

MAX_CLOCK_SKEW = timedelta(seconds=300)

_FIELD_ALIASES = {
    "reservationId": ("reservationId", "reservation_id", "id"),
    "restaurantId": ("restaurantId", "restaurant_id"),
    "restaurantName": ("restaurantName", "restaurant_name"),
    "dinerName": ("dinerName", "diner_name", "guest_name", "name"),
    "dinerEmail": ("dinerEmail", "diner_email", "email"),
    "dinerPhone": ("dinerPhone", "diner_phone", "phone"),
    "partySize": ("partySize", "party_size", "guest_count"),
    "reservationDateTime": ("reservationDateTime", "reservation_date_time", "datetime"),
    "status": ("status",),
    "specialRequests": ("specialRequests", "special_requests", "notes"),
    "cancellationReason": ("cancellationReason", "cancellation_reason"),
}
_TEXT_FIELDS = {
    "dinerName": "dinerName",
    "dinerEmail": "email",
    "dinerPhone": "phone",
    "specialRequests": "specialRequests",
    "cancellationReason": "cancellationReason",
    "restaurantName": "restaurantName",
}


class EnvelopeEventType(StrEnum):
    """The envelope's event types."""

    CREATED = "reservation.created"
    UPDATED = "reservation.updated"
    CANCELLED = "reservation.cancelled"


def read_first_present(body: Mapping[str, Any], *names: str) -> Any:
    """Return the first of several spellings that is present and not null."""
    return next((body[name] for name in names if body.get(name) is not None), None)


def read_restaurant_reference(body: Mapping[str, Any]) -> str | None:
    """Return the id by which an envelope names its restaurant, or None where it has none."""
    data = body.get("data")
    if not isinstance(data, Mapping):
        return None
    return fields.parse_identifier(read_first_present(data, *_FIELD_ALIASES["restaurantId"]))


def parse_envelope(  # noqa: PLR0913 -- all keyword-only but the statement itself
    body: Mapping[str, Any],
    payload: str,
    *,
    rid: str | None,
    zone: ZoneInfo,
    received_at: datetime,
    channel: Channel,
    accept_future_timestamp: bool = False,
) -> ReservationEvent:
    """Read an envelope.

    Args:
        body: The parsed JSON object, known to have ``data`` as an object.
        payload: The same, as the text that came.
        rid: The restaurant's OpenTable number, whose prefix an id may carry.
        zone: The restaurant's zone, in which a zone-less ``reservationDateTime`` is read.
        received_at: When it was first received, UTC.
        channel: Which way it came.
        accept_future_timestamp: Whether a person wants it in though its timestamp is ahead of its
            receipt. It is
            then dated by that, for nothing can have been said after it came; so it never
            overrules what was truly said later.

    Raises:
        RejectedStatementError: When it cannot be applied; the reason names the field.
    """
    data = {
        name: read_first_present(body["data"], *names) for name, names in _FIELD_ALIASES.items()
    }
    event_type = _parse_event_type(body)
    event_id = build_envelope_event_id(
        fields.parse_identifier(body.get("id")) or _hash_content(body)
    )
    version = Version.from_timestamp(
        _parse_timestamp(body, received_at, accept_future_timestamp=accept_future_timestamp),
        event_id,
    )
    return ReservationEvent(
        external_key=build_external_key(_parse_reservation_id(data), rid),
        event_id=event_id,
        event_type=event_type,
        actor=Actor.RELAY,
        version=version,
        fields=_parse_fields(event_type, data, zone),
        payload=payload,
        channel=channel,
    )


def _parse_event_type(body: Mapping[str, Any]) -> EnvelopeEventType:
    event_type = read_first_present(body, "eventType", "event_type")
    try:
        return EnvelopeEventType(event_type)
    except ValueError:
        raise InvalidEventError(
            "unknown_event_type",
            "Only reservation.created, reservation.updated and reservation.cancelled are known.",
        ) from None


def _hash_content(body: Mapping[str, Any]) -> str:
    """Return an id for an envelope without one: a retry of it says the same, so hashes alike."""
    content = json.dumps(body, sort_keys=True).encode()
    return "content:" + hashlib.sha256(content).hexdigest()


def _parse_timestamp(
    body: Mapping[str, Any], received_at: datetime, *, accept_future_timestamp: bool
) -> datetime:
    text = body.get("timestamp")
    try:
        timestamp = parse_instant(text if isinstance(text, str) else "")
    except ValueError:
        raise InvalidEventError(
            "invalid_timestamp", "The envelope's timestamp must be an ISO 8601 date and time."
        ) from None
    if timestamp <= received_at + MAX_CLOCK_SKEW:
        return timestamp
    if accept_future_timestamp:
        return received_at
    raise InvalidEventError(
        "timestamp_in_future",
        "The envelope's timestamp is over 300 s in the future: set the relay's clock. Replayed, "
        "this event is dated by when it came.",
    )


def _parse_reservation_id(data: Mapping[str, Any]) -> str:
    identifier = fields.parse_identifier(data["reservationId"])
    if identifier is None:
        raise InvalidEventError("invalid_id", "data.reservationId is missing or no text.")
    return identifier


def _parse_fields(
    event_type: EnvelopeEventType, data: Mapping[str, Any], zone: ZoneInfo
) -> dict[str, FieldValue]:
    values: dict[str, FieldValue] = {
        field: fields.parse_text(name, data[name])
        for name, field in _TEXT_FIELDS.items()
        if data[name] is not None
    }
    if data["partySize"] is not None:
        values["partySize"] = fields.parse_party_size("data.partySize", data["partySize"])
    if data["reservationDateTime"] is not None:
        values |= fields.parse_start_time(
            "data.reservationDateTime", data["reservationDateTime"], zone
        )
    return values | _parse_status_fields(event_type, data["status"])


def _parse_status_fields(event_type: EnvelopeEventType, raw_state: object) -> dict[str, FieldValue]:
    state = None if raw_state is None else fields.parse_text("data.status", raw_state)
    values: dict[str, FieldValue] = {"state": state} if state else {}
    status = parse_status(state) if state else None
    if event_type is EnvelopeEventType.CANCELLED:
        status = ReservationStatus.CANCELLED
    elif event_type is EnvelopeEventType.CREATED and not state:
        status = ReservationStatus.CONFIRMED
    return values | ({"status": status.value} if status else {})
