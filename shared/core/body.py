"""A request's body: strict JSON, and which of the two webhook formats it has."""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

LONGEST_INTEGER = 19  # digits; Firestore keeps no longer one
MOST_NESTING = 64  # far below where reading or writing JSON would exhaust the stack


class InvalidJsonError(ValueError):
    """The body is not JSON in UTF-8, or not an object."""


class Shape(StrEnum):
    """The webhook's body formats."""

    ENVELOPE = "envelope"
    OBJECT = "object"


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, strictly: no ``NaN``, no duplicate keys, no invalid UTF-8.

    A whole number too long for any store becomes a float, so that it costs nothing to refuse.

    Raises:
        InvalidJsonError: When the body is anything else, or nested deeper than `MOST_NESTING`.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            parse_int=_bounded_integer,
        )
    except (ValueError, RecursionError):
        raise InvalidJsonError("not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidJsonError("not an object")
    if is_nested_deeper(parsed, MOST_NESTING):
        raise InvalidJsonError("nested too deeply")
    return parsed


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("duplicate key")
    return parsed


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _bounded_integer(digits: str) -> int | float:
    bounded = len(digits.removeprefix("-")) <= LONGEST_INTEGER
    return int(digits) if bounded else float(digits)


def is_nested_deeper(value: object, most: int) -> bool:
    """Whether a JSON value has lists or objects more than so many levels below it."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _contents(outer)]
    return any(isinstance(inner, dict | list) for inner in level)


def shallow(value: object, levels: int) -> Any:
    """Return a JSON value with null for each list or object so many levels below it, or more."""
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return None
    if isinstance(value, dict):
        return {name: shallow(inner, levels - 1) for name, inner in value.items()}
    return [shallow(inner, levels - 1) for inner in value]


def _contents(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def shape_of(body: dict[str, Any]) -> Shape | None:
    """Tell the format by the keys that only it has, or None where it is neither."""
    if ("eventType" in body or "event_type" in body) and "data" in body:
        return Shape.ENVELOPE
    if "rid" in body and "id" in body:
        return Shape.OBJECT
    return None
