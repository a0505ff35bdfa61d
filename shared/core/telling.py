"""Whom a body kept aside tells of: by the ids that it holds, or by a name, number or address."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.core import fields
from shared.core.keys import external_key
from shared.errors import RejectedStatementError

_IDS = ("id", "reservationId", "reservation_id", "guest_id")
_NOT_A_DIGIT = re.compile(r"[\s().+/-]+")
_FEWEST_DIGITS = 7


def keys_told(body: str, rid: str | None) -> set[str]:
    """Return the keys of the ids that a body holds, at its top or in ``data``.

    Args:
        body: JSON text.
        rid: The restaurant's OpenTable number, whose prefix an id may carry.
    """
    parsed = _parsed(body)
    parts = (parsed, parsed.get("data")) if isinstance(parsed, dict) else ()
    return {key for part in parts if isinstance(part, dict) for key in _keys_in(part, rid)}


def _keys_in(part: dict[str, Any], rid: str | None) -> Iterator[str]:
    for identifier in filter(None, map(fields.identifier, map(part.get, _IDS))):
        try:
            yield external_key(identifier, rid)
        except RejectedStatementError:
            continue


def tells_of(body: str, known_as: Iterable[str]) -> bool:
    """Whether a body holds one of a person's names, numbers or addresses, however written.

    Args:
        body: JSON text; its names are looked through as its values are.
        known_as: Names and addresses, and numbers in E.164 or as they came.
    """
    texts = list(_texts(_parsed(body)))
    told = "\n".join(texts).casefold()
    digits = _NOT_A_DIGIT.sub("", "|".join(texts))
    return any(_holds(told, digits, mark) for mark in known_as)


def _holds(told: str, digits: str, mark: str) -> bool:
    number = _national(mark)
    if number is not None and number in digits:
        return True
    words = r"\s+".join(map(re.escape, mark.casefold().split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", told) is not None


def _national(mark: str) -> str | None:
    """Return a number's digits without its country's, which a body may leave out."""
    # Imported on first use, as in `shared.core.phones`.
    import phonenumbers  # noqa: PLC0415

    try:
        return str(phonenumbers.parse(mark).national_number)
    except phonenumbers.NumberParseException:
        bare = _NOT_A_DIGIT.sub("", mark)
        return bare if bare.isdecimal() and len(bare) >= _FEWEST_DIGITS else None


def _parsed(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _texts(value: object) -> Iterator[str]:
    """Yield every value in a body as it stands there, so that a last name follows a first one.

    The names of fields come last.
    """
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting = [*value, *waiting, *reversed(value.values())]
        elif isinstance(value, list):
            waiting += reversed(value)
        elif value is not None:
            yield str(value)
