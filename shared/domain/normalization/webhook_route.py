"""Find the format and the restaurant of a webhook's body.

The first search is cheap, because it comes before the sender is authenticated.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import DecodeError, Raw, Struct, field
from msgspec.json import Decoder

from shared.domain.normalization.envelope import read_restaurant_reference
from shared.domain.normalization.field_values import parse_identifier
from shared.domain.normalization.identifiers import is_restaurant_id
from shared.domain.normalization.strict_json import (
    InvalidJsonError,
    parse_bounded_integer,
)

_MAX_ID_BYTES = 1024  # of JSON; no restaurant has a longer id
_ABSENT = Raw(b"")
# Of each half of a pair, because the other half may be missing.
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


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
    is_envelope = webhook_format is WebhookFormat.ENVELOPE
    reference = read_restaurant_reference(body) if is_envelope else parse_identifier(body["rid"])
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
