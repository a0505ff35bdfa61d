"""Parse JSON of senders strictly, and bound its numbers and its depth."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

MAX_INTEGER_DIGITS = 19  # of the longest integer in Firestore
MAX_NESTING_DEPTH = 64  # far below the depth that exhausts the stack


class InvalidJsonError(ValueError):
    """The body is not a JSON object in UTF-8.

    Args:
        repeated_key: The key that an object has twice, if that is the problem.
    """

    def __init__(self, problem: str, repeated_key: str | None = None) -> None:
        super().__init__(problem)
        self.repeated_key = repeated_key


def parse_strict_json(body: bytes) -> dict[str, Any]:
    """Parse a JSON object without ``NaN``, duplicate keys and invalid UTF-8.

    Raises:
        InvalidJsonError: The body is anything else, or nested deeper than `MAX_NESTING_DEPTH`.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=reject_constant,
            parse_int=parse_bounded_integer,
        )
    except InvalidJsonError:
        raise
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
        (repeated_key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidJsonError("not JSON: an object has a key twice", repeated_key)
    return parsed


def reject_constant(name: str) -> float:
    """Raise for ``NaN`` and the infinities: Python's parser accepts them, JSON does not."""
    raise ValueError(name)


def parse_bounded_integer(digits: str) -> int | float:
    """Parse an integer of JSON; one that Firestore cannot store becomes a float."""
    # Parsing a long integer takes quadratic time. As a float it is rejected at no cost.
    is_bounded = len(digits.removeprefix("-")) <= MAX_INTEGER_DIGITS
    return int(digits) if is_bounded else float(digits)


def is_nested_deeper(value: object, max_depth: int) -> bool:
    """Whether a JSON value has lists or objects more than `max_depth` levels below it."""
    level: list[object] = [value]
    # By level, not recursively: the value may be deep enough to exhaust the stack.
    for _ in range(max_depth):
        inner_level: list[object] = []
        for outer in level:
            if isinstance(outer, dict):
                inner_level += outer.values()
            elif isinstance(outer, list):
                inner_level += outer
        level = inner_level
    return any(isinstance(inner, dict | list) for inner in level)


def truncate_nesting(value: object, max_depth: int) -> Any:
    """Return a JSON value with null for each list or object at `max_depth` levels or deeper."""
    if not isinstance(value, dict | list):
        return value
    if not max_depth:
        return None
    if isinstance(value, dict):
        return {name: truncate_nesting(inner, max_depth - 1) for name, inner in value.items()}
    return [truncate_nesting(inner, max_depth - 1) for inner in value]
