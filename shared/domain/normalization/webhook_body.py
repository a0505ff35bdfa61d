"""Find the format and the restaurant of a webhook's body, and normalize the envelope of a relay.

The first search is cheap, because it comes before the sender is authenticated. OpenTable's own
format is parsed in `shared.domain.normalization.opentable_reservation`.

``updated`` and ``cancelled`` envelopes are patches: a missing or null field reports nothing. Snake
case and a few aliases are accepted; the canonical spelling wins.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import DecodeError, Raw, Struct, field
from msgspec.json import Decoder

from shared.domain.http_messages import InvalidJsonError, parse_bounded_integer
from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.ledger.fields import RESERVATION_FIELDS, FieldKind
from shared.domain.ledger.registers import NOTATION_FIELDS
from shared.domain.normalization import field_values
from shared.domain.normalization.canonical import (
    DEFAULT_MAX_TEXT_BYTES,
    build_comparison_key,
    cut_texts,
)
from shared.domain.normalization.identifiers import (
    build_envelope_event_id,
    build_external_key,
    is_restaurant_id,
)
from shared.errors import InvalidEventError

_MAX_ID_BYTES = 1024  # of JSON; no restaurant has a longer id
_ABSENT = Raw(b"")
# Of each half of a pair, because the other half may be missing.
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

MAX_CLOCK_SKEW = timedelta(seconds=300)
# Reserved: such an event only shows that its sender is authenticated.
TEST_EVENT_TYPE = "webhook.test"

RESERVATION_ID_KEYS = ("reservationId", "reservation_id", "id")
_RESTAURANT_ID_KEYS = ("restaurantId", "restaurant_id")
_KEYS_BY_FIELD = {
    field.name: field.relay_names for field in RESERVATION_FIELDS if field.relay_names
}
_TEXT_FIELDS = [
    field.name for field in RESERVATION_FIELDS if field.relay_names and field.kind is FieldKind.TEXT
]


class WebhookFormat(StrEnum):
    """The formats of webhook bodies."""

    ENVELOPE = "envelope"
    OPENTABLE_RESERVATION = "object"


class WebhookRoute(Struct, frozen=True):
    """The format of a webhook, and the restaurant that it names.

    Attributes:
        reference: OpenTable's rid, or in an envelope also Lineup's id.
    """

    format: WebhookFormat
    reference: str


class _RoutingData(Struct):
    """The ids in the `data` of an envelope, undecoded."""

    restaurant_id: Raw = field(default=_ABSENT, name="restaurantId")
    restaurant_id_alias: Raw = field(default=_ABSENT, name="restaurant_id")


class _RoutingBody(Struct):
    """The parts of a body with its format and restaurant, undecoded."""

    event_type: Raw = field(default=_ABSENT, name="eventType")
    event_type_alias: Raw = field(default=_ABSENT, name="event_type")
    data: Raw = _ABSENT
    rid: Raw = _ABSENT
    id: Raw = _ABSENT


_body_decoder = Decoder(_RoutingBody)
_data_decoder = Decoder(_RoutingData)


def find_route(body: Mapping[str, Any]) -> WebhookRoute | None:
    """Return the route of a parsed body; None in an unknown format or without a usable id."""
    webhook_format = detect_webhook_format(body)
    if webhook_format is None:
        return None
    if webhook_format is WebhookFormat.ENVELOPE:
        reference = read_restaurant_reference(body)
    else:
        reference = field_values.parse_identifier(body["rid"])
    # A rid is a possible restaurant id, too.
    if reference is None or not is_restaurant_id(reference):
        return None
    return WebhookRoute(webhook_format, reference)


def detect_webhook_format(body: Mapping[str, Any]) -> WebhookFormat | None:
    """Return the format by its distinctive keys, None for an unknown one."""
    if ("eventType" in body or "event_type" in body) and "data" in body:
        return WebhookFormat.ENVELOPE
    if "rid" in body and "id" in body:
        return WebhookFormat.OPENTABLE_RESERVATION
    return None


def find_raw_route(raw_body: bytes) -> WebhookRoute | None:
    """Return the route of a body without parsing all of it.

    It may accept a body that `parse_strict_json` rejects, such as one with a duplicate key. Compare
    it with `find_route` after the body is parsed.

    Raises:
        InvalidJsonError: The body is not a JSON object.
    """
    body = _decode_routing_body(raw_body)
    # Decoding cannot fail: the data has passed the decoder of the body, so it is valid JSON.
    is_object = bytes(body.data).startswith(b"{")
    data = _data_decoder.decode(body.data) if is_object else _RoutingData()
    parts: dict[str, Any] = {
        "eventType": body.event_type,
        "event_type": body.event_type_alias,
        "data": body.data,
        "rid": body.rid,
        "id": body.id,
    }
    present = {name: raw for name, raw in parts.items() if bytes(raw)}
    if "rid" in present:
        present["rid"] = _decode_id(body.rid)
    if "data" in present:
        present["data"] = {
            "restaurantId": _decode_id(data.restaurant_id),
            "restaurant_id": _decode_id(data.restaurant_id_alias),
        }
    return find_route(present)


def _decode_routing_body(raw_body: bytes) -> _RoutingBody:
    try:
        return _body_decoder.decode(raw_body)
    except RecursionError:
        raise InvalidJsonError("nested too deeply") from None
    except DecodeError:
        # The decoder rejects lone surrogates, which JSON allows. No id has either character.
        replaced = _SURROGATE_ESCAPE.sub(rb"\\u0000", raw_body)
    try:
        return _body_decoder.decode(replaced)
    except (DecodeError, RecursionError):
        raise InvalidJsonError("not a JSON object") from None


def _decode_id(raw: Raw) -> object:
    if not 0 < len(bytes(raw)) <= _MAX_ID_BYTES:
        return None
    try:
        return json.loads(bytes(raw), parse_int=parse_bounded_integer)
    except ValueError:
        return None


class EnvelopeEventType(StrEnum):
    """The envelope's event types, in the order of a reservation's life."""

    CREATED = "reservation.created"
    UPDATED = "reservation.updated"
    CANCELLED = "reservation.cancelled"


# At one `timestamp` the later step of a reservation's life wins. Relays with whole seconds send a
# creation and its cancellation with the same one.
EVENT_TYPE_RANKS = {event_type: rank for rank, event_type in enumerate(EnvelopeEventType)}


def is_test_event(body: Mapping[str, Any]) -> bool:
    """Return whether an envelope is a test event."""
    event_type: object = read_first_present(body, "eventType", "event_type")
    return event_type == TEST_EVENT_TYPE


def read_first_present(body: Mapping[str, Any], *keys: str) -> Any:
    """Return the first present value other than null."""
    return next((body[key] for key in keys if body.get(key) is not None), None)


def read_restaurant_reference(body: Mapping[str, Any]) -> str | None:
    """Return the restaurant's id in an envelope, None without one."""
    data = body.get("data")
    if not isinstance(data, Mapping):
        return None
    return field_values.parse_identifier(read_first_present(data, *_RESTAURANT_ID_KEYS))


def parse_envelope(
    body: Mapping[str, Any],
    payload: str,
    *,
    rid: str | None,
    zone: ZoneInfo,
    received_at: datetime,
    channel: Channel,
    accept_future_timestamp: bool = False,
    max_text_bytes: int = DEFAULT_MAX_TEXT_BYTES,
) -> ReservationEvent:
    """Normalize an envelope.

    Args:
        body: The JSON object; its ``data`` is an object.
        rid: The restaurant's OpenTable number; ids can start with it.
        zone: The restaurant's zone, for a ``reservationDateTime`` without an offset.
        received_at: When the envelope first arrived, UTC.
        accept_future_timestamp: Whether to accept a timestamp in the future. The event is then
            dated by `received_at`, so that it never overrides a later report.
        max_text_bytes: The limit of each text; the rest is cut.

    Raises:
        InvalidEventError: A value cannot be used; the reason names the field.
    """
    data = body["data"]
    event_type = _parse_event_type(read_first_present(body, "eventType", "event_type"))
    timestamp = _parse_timestamp(
        body.get("timestamp"), received_at, accept_future_timestamp=accept_future_timestamp
    )
    reservation_id = field_values.parse_identifier(read_first_present(data, *RESERVATION_ID_KEYS))
    if reservation_id is None:
        raise InvalidEventError("invalid_id", "data.reservationId is missing or not text.")
    external_key = build_external_key(reservation_id, rid)
    fields = _parse_fields(event_type, data, zone)
    envelope_id = field_values.parse_identifier(body.get("id"))
    if envelope_id is None:
        envelope_id = _hash_content(event_type, external_key, timestamp, fields)
    event_id = build_envelope_event_id(envelope_id)
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=event_type,
        actor=Actor.RELAY,
        version=Version.from_timestamp(timestamp, event_id, EVENT_TYPE_RANKS[event_type]),
        fields=cut_texts(fields, max_text_bytes),
        payload=payload,
        channel=channel,
    )


def _parse_event_type(value: object) -> EnvelopeEventType:
    """Return an event type, written in any case and with one or two ``l``."""
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        return EnvelopeEventType(text.replace(".canceled", ".cancelled"))
    except ValueError:
        raise InvalidEventError(
            "unknown_event_type",
            "eventType must be reservation.created, reservation.updated or reservation.cancelled.",
        ) from None


def _parse_timestamp(
    value: object, received_at: datetime, *, accept_future_timestamp: bool
) -> datetime:
    try:
        timestamp = field_values.parse_instant(value if isinstance(value, str) else "")
    except ValueError:
        raise InvalidEventError(
            "invalid_timestamp", "The envelope's timestamp must be an ISO 8601 date and time."
        ) from None
    # A time of receipt, edited by hand, may be the last one of the calendar.
    if timestamp - MAX_CLOCK_SKEW <= received_at:
        return timestamp
    if accept_future_timestamp:
        return received_at
    raise InvalidEventError(
        "timestamp_in_future",
        "The envelope's timestamp is over 300 s in the future. Correct the relay's clock. A replay "
        "dates this event by its time of receipt.",
    )


def _hash_content(
    event_type: str, external_key: str, timestamp: datetime, fields: Mapping[str, FieldValue]
) -> str:
    """Return the id of an envelope without one: a retry has the same, whatever its spellings."""
    values = {
        name: build_comparison_key(name, value)
        for name, value in fields.items()
        if name not in NOTATION_FIELDS
    }
    text = json.dumps([event_type, external_key, timestamp, values], sort_keys=True, default=str)
    return "content:" + hashlib.sha256(text.encode()).hexdigest()


def _parse_fields(
    event_type: EnvelopeEventType, data: Mapping[str, Any], zone: ZoneInfo
) -> dict[str, FieldValue]:
    reported = {
        name: value
        for name, keys in _KEYS_BY_FIELD.items()
        if (value := read_first_present(data, *keys)) is not None
    }
    if "phone" in reported:
        reported["phone"] = field_values.format_number(reported["phone"])
    values: dict[str, FieldValue] = {
        name: field_values.parse_text(_KEYS_BY_FIELD[name][0], reported[name])
        for name in _TEXT_FIELDS
        if name in reported
    }
    if not field_values.is_absent(reported.get("partySize")):
        values["partySize"] = field_values.parse_party_size("data.partySize", reported["partySize"])
    if not field_values.is_absent(reported.get("startAt")):
        start = field_values.parse_time("data.reservationDateTime", reported["startAt"], zone)
        values |= field_values.build_start_fields(start)
    values |= field_values.parse_state("data.status", reported.get("state"))
    if event_type is EnvelopeEventType.CANCELLED:
        values["status"] = field_values.ReservationStatus.CANCELLED.value
    elif event_type is EnvelopeEventType.CREATED and "state" not in values:
        values["status"] = field_values.ReservationStatus.CONFIRMED.value
    return values
