"""Single values of a statement, checked one by one; every refusal names its field."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.core.change import FieldValue
from shared.core.times import ParsedInstant, parse_instant, parse_instant_in_zone
from shared.errors import InvalidEventError

MAX_PARTY_SIZE = 99_999
MAX_INTEGER = 2**63 - 1  # Firestore's

_FEW_DIGITS = re.compile(r"[0-9]{1,5}", re.ASCII)


def build_field_error(name: str, requirement: str) -> InvalidEventError:
    """Return the refusal of a field's value, which is never quoted: it may be a person's."""
    return InvalidEventError(f"invalid_{name.rpartition('.')[2]}", f"{name} must be {requirement}.")


def parse_identifier(value: object) -> str | None:
    """Return an id that may be written as text or as a whole number, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def parse_text(name: str, value: object) -> str | None:
    """Return a text without its outer blanks; a blank one is None.

    Raises:
        RejectedStatementError: When it is no text, or one that UTF-8 cannot write.
    """
    if not isinstance(value, str):
        raise build_field_error(name, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise build_field_error(name, "text without lone surrogates") from None
    return value.strip() or None


def parse_text_list(name: str, value: object) -> list[str]:
    """Return a list of texts; null is none.

    Raises:
        RejectedStatementError: When it is no list of texts.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise build_field_error(name, "a list of texts")
    return [item for entry in value if (item := parse_text(name, entry)) is not None]


def parse_integer(name: str, value: object, minimum: int, maximum: int = MAX_INTEGER) -> int:
    """Return a whole number in a range.

    Raises:
        RejectedStatementError: When it is none, or outside.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise build_field_error(name, f"a whole number from {minimum} to {maximum}")
    return value


def parse_party_size(name: str, value: object) -> int:
    """Return a party's size, also where a relay writes the number as text.

    Raises:
        RejectedStatementError: When it is no whole number of at least 1.
    """
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdecimal()
        and len(value) < len("100000")
    ):
        value = int(value)
    return parse_integer(name, value, 1, MAX_PARTY_SIZE)


def parse_start_time(name: str, value: object, zone: ZoneInfo) -> dict[str, FieldValue]:
    """Return what a start time says: the instant in whole seconds, and the note on reading it."""
    moment = _parse_local_time(name, value, zone)
    return {
        "startAt": moment.instant.replace(microsecond=0),
        "startAtNote": moment.note and moment.note.value,
    }


def _parse_local_time(name: str, value: object, zone: ZoneInfo) -> ParsedInstant:
    try:
        return parse_instant_in_zone(value if isinstance(value, str) else "", zone)
    except ValueError:
        raise build_field_error(name, "an ISO 8601 date and time") from None


def parse_row_time(row: dict[str, Any], name: str, zone: ZoneInfo) -> ParsedInstant | None:
    """Return one of OpenTable's moments, which it sends as ``{name}_utc`` and as local ``{name}``.

    The UTC one is the truth (zone-less = UTC); the local one serves where it is missing.

    Raises:
        RejectedStatementError: When the one to read is no date and time.
    """
    exact = row.get(f"{name}_utc")
    if exact is None:
        local = row.get(name)
        return None if local is None else _parse_local_time(name, local, zone)
    try:
        return ParsedInstant(parse_instant(exact if isinstance(exact, str) else ""))
    except ValueError:
        raise build_field_error(f"{name}_utc", "an ISO 8601 date and time") from None


def has_row_time(row: dict[str, Any], name: str) -> bool:
    """Whether a row says anything of a moment, null included."""
    return name in row or f"{name}_utc" in row


def parse_row_instant(row: dict[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """Return a moment's instant, None where the row says that it has not come."""
    moment = parse_row_time(row, name, zone)
    return None if moment is None else moment.instant
