"""A request's body: strict JSON, and which of the two webhook formats it has."""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

MAX_INTEGER_DIGITS = 19  # digits; Firestore keeps no longer one
MAX_NESTING_DEPTH = 64  # far below where reading or writing JSON would exhaust the stack


class InvalidJsonError(ValueError):
    """The body is not JSON in UTF-8, or not an object."""


class WebhookFormat(StrEnum):
    """The webhook's body formats."""

    ENVELOPE = "envelope"
    OPENTABLE_RESERVATION = "object"


def parse_strict_json(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, strictly: no ``NaN``, no duplicate keys, no invalid UTF-8.

    A whole number too long for any store becomes a float, so that it costs nothing to refuse.

    Raises:
        InvalidJsonError: When the body is anything else, or nested deeper than `MAX_NESTING_DEPTH`.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=_reject_constant,
            parse_int=_parse_bounded_integer,
        )
    except (ValueError, RecursionError):
        raise InvalidJsonError("not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidJsonError("not an object")
    if is_nested_deeper(parsed, MAX_NESTING_DEPTH):
        raise InvalidJsonError("nested too deeply")
    return parsed


def _reject_duplicate_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("duplicate key")
    return parsed


def _reject_constant(name: str) -> float:
    raise ValueError(name)


def _parse_bounded_integer(digits: str) -> int | float:
    is_bounded = len(digits.removeprefix("-")) <= MAX_INTEGER_DIGITS
    return int(digits) if is_bounded else float(digits)


def is_nested_deeper(value: object, max_depth: int) -> bool:
    """Whether a JSON value has lists or objects more than so many levels below it."""
    level = [value]
    for _ in range(max_depth):
        level = [inner for outer in level for inner in _child_values(outer)]
    return any(isinstance(inner, dict | list) for inner in level)


def truncate_nesting(value: object, max_depth: int) -> Any:
    """Return a JSON value with null for each list or object so many levels below it, or more."""
    if not isinstance(value, dict | list):
        return value
    if not max_depth:
        return None
    if isinstance(value, dict):
        return {name: truncate_nesting(inner, max_depth - 1) for name, inner in value.items()}
    return [truncate_nesting(inner, max_depth - 1) for inner in value]


def _child_values(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def detect_webhook_format(body: dict[str, Any]) -> WebhookFormat | None:
    """Tell the format by the keys that only it has, or None where it is neither."""
    if ("eventType" in body or "event_type" in body) and "data" in body:
        return WebhookFormat.ENVELOPE
    if "rid" in body and "id" in body:
        return WebhookFormat.OPENTABLE_RESERVATION
    return None
