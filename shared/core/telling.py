"""Whom a body kept aside tells of: by the ids that it holds, or by a name, number or address."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.core import fields
from shared.core.keys import build_external_key
from shared.errors import InvalidEventError

_ID_KEYS = ("id", "reservationId", "reservation_id", "guest_id")
_PHONE_SEPARATORS = re.compile(r"[\s().+/-]+")
_MIN_PHONE_DIGITS = 7


def referenced_keys(body: str, rid: str | None) -> set[str]:
    """Return the keys of the ids that a body holds, at its top or in ``data``.

    Args:
        body: JSON text.
        rid: The restaurant's OpenTable number, whose prefix an id may carry.
    """
    parsed = _parse_json(body)
    parts = (parsed, parsed.get("data")) if isinstance(parsed, dict) else ()
    return {key for part in parts if isinstance(part, dict) for key in _parse_keys(part, rid)}


def _parse_keys(part: dict[str, Any], rid: str | None) -> Iterator[str]:
    for identifier in filter(None, map(fields.parse_identifier, map(part.get, _ID_KEYS))):
        try:
            yield build_external_key(identifier, rid)
        except InvalidEventError:
            continue


def mentions_person(body: str, personal_identifiers: Iterable[str]) -> bool:
    """Whether a body holds one of a person's names, numbers or addresses, however written.

    Args:
        body: JSON text; its names are looked through as its values are.
        personal_identifiers: Names and addresses, and numbers in E.164 or as they came.
    """
    texts = list(_iter_texts(_parse_json(body)))
    folded_text = "\n".join(texts).casefold()
    digits = _PHONE_SEPARATORS.sub("", "|".join(texts))
    return any(
        _contains_identifier(folded_text, digits, identifier) for identifier in personal_identifiers
    )


def _contains_identifier(folded_text: str, digits: str, identifier: str) -> bool:
    number = _parse_national_number(identifier)
    if number is not None and number in digits:
        return True
    words = r"\s+".join(map(re.escape, identifier.casefold().split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", folded_text) is not None


def _parse_national_number(identifier: str) -> str | None:
    """Return a number's digits without its country's, which a body may leave out."""
    # Imported on first use, as in `shared.core.phones`.
    import phonenumbers  # noqa: PLC0415

    try:
        return str(phonenumbers.parse(identifier).national_number)
    except phonenumbers.NumberParseException:
        digits = _PHONE_SEPARATORS.sub("", identifier)
        return digits if digits.isdecimal() and len(digits) >= _MIN_PHONE_DIGITS else None


def _parse_json(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _iter_texts(value: object) -> Iterator[str]:
    """Yield every value in a body as it stands there, so that a last name follows a first one.

    The names of fields come last.
    """
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending = [*value, *pending, *reversed(value.values())]
        elif isinstance(value, list):
            pending += reversed(value)
        elif value is not None:
            yield str(value)
