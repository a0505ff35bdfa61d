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

from shared.core import fields
from shared.core.change import Change, Source, Speaker, Value, Version
from shared.core.keys import envelope_event_id, external_key
from shared.core.states import Status, status_of
from shared.core.times import instant_of
from shared.errors import RejectedStatementError

CLOCK_TOLERANCE = timedelta(seconds=300)

_SPELLINGS = {
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
_TEXTS = {
    "dinerName": "dinerName",
    "dinerEmail": "email",
    "dinerPhone": "phone",
    "specialRequests": "specialRequests",
    "cancellationReason": "cancellationReason",
    "restaurantName": "restaurantName",
}


class EventType(StrEnum):
    """The envelope's event types."""

    CREATED = "reservation.created"
    UPDATED = "reservation.updated"
    CANCELLED = "reservation.cancelled"


def spelled(body: Mapping[str, Any], *names: str) -> Any:
    """Return the first of several spellings that is present and not null."""
    return next((body[name] for name in names if body.get(name) is not None), None)


def restaurant_reference(body: Mapping[str, Any]) -> str | None:
    """Return the id by which an envelope names its restaurant, or None where it has none."""
    data = body.get("data")
    if not isinstance(data, Mapping):
        return None
    return fields.identifier(spelled(data, *_SPELLINGS["restaurantId"]))


def change_from_envelope(  # noqa: PLR0913 -- all keyword-only but the statement itself
    body: Mapping[str, Any],
    payload: str,
    *,
    rid: str | None,
    zone: ZoneInfo,
    received_at: datetime,
    source: Source,
    vouched: bool = False,
) -> Change:
    """Read an envelope.

    Args:
        body: The parsed JSON object, known to have ``data`` as an object.
        payload: The same, as the text that came.
        rid: The restaurant's OpenTable number, whose prefix an id may carry.
        zone: The restaurant's zone, in which a zone-less ``reservationDateTime`` is read.
        received_at: When it was first received, UTC.
        source: Which way it came.
        vouched: Whether a person wants it in though its timestamp is ahead of its receipt. It is
            then dated by that, for nothing can have been said after it came; so it never
            overrules what was truly said later.

    Raises:
        RejectedStatementError: When it cannot be applied; the reason names the field.
    """
    data = {name: spelled(body["data"], *names) for name, names in _SPELLINGS.items()}
    event_type = _event_type(body)
    event_id = envelope_event_id(fields.identifier(body.get("id")) or _content_id(body))
    version = Version.of_envelope(_timestamp(body, received_at, vouched=vouched), event_id)
    return Change(
        external_key=external_key(_reservation_id(data), rid),
        event_id=event_id,
        event_type=event_type,
        speaker=Speaker.RELAY,
        version=version,
        said=_said(event_type, data, zone),
        payload=payload,
        source=source,
    )


def _event_type(body: Mapping[str, Any]) -> EventType:
    word = spelled(body, "eventType", "event_type")
    try:
        return EventType(word)
    except ValueError:
        raise RejectedStatementError(
            "unknown_event_type",
            "Only reservation.created, reservation.updated and reservation.cancelled are known.",
        ) from None


def _content_id(body: Mapping[str, Any]) -> str:
    """Return an id for an envelope without one: a retry of it says the same, so hashes alike."""
    content = json.dumps(body, sort_keys=True).encode()
    return "content:" + hashlib.sha256(content).hexdigest()


def _timestamp(body: Mapping[str, Any], received_at: datetime, *, vouched: bool) -> datetime:
    text = body.get("timestamp")
    try:
        timestamp = instant_of(text if isinstance(text, str) else "")
    except ValueError:
        raise RejectedStatementError(
            "invalid_timestamp", "The envelope's timestamp must be an ISO 8601 date and time."
        ) from None
    if timestamp <= received_at + CLOCK_TOLERANCE:
        return timestamp
    if vouched:
        return received_at
    raise RejectedStatementError(
        "timestamp_ahead",
        "The envelope's timestamp is over 300 s in the future: set the relay's clock. Replayed, "
        "this event is dated by when it came.",
    )


def _reservation_id(data: Mapping[str, Any]) -> str:
    identifier = fields.identifier(data["reservationId"])
    if identifier is None:
        raise RejectedStatementError("invalid_id", "data.reservationId is missing or no text.")
    return identifier


def _said(event_type: EventType, data: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Value]:
    said: dict[str, Value] = {
        field: fields.text(name, data[name])
        for name, field in _TEXTS.items()
        if data[name] is not None
    }
    if data["partySize"] is not None:
        said["partySize"] = fields.party_size("data.partySize", data["partySize"])
    if data["reservationDateTime"] is not None:
        said |= fields.start_at("data.reservationDateTime", data["reservationDateTime"], zone)
    return said | _status(event_type, data["status"])


def _status(event_type: EventType, word: object) -> dict[str, Value]:
    state = None if word is None else fields.text("data.status", word)
    said: dict[str, Value] = {"state": state} if state else {}
    status = status_of(state) if state else None
    if event_type is EventType.CANCELLED:
        status = Status.CANCELLED
    elif event_type is EventType.CREATED and not state:
        status = Status.CONFIRMED
    return said | ({"status": status.value} if status else {})
