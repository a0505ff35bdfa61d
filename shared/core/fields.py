"""Single values of a statement, checked one by one; every refusal names its field."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.core.change import Value
from shared.core.times import Moment, instant_of, moment_of
from shared.errors import RejectedStatementError

LARGEST_PARTY = 99_999
LARGEST_INTEGER = 2**63 - 1  # Firestore's

_FEW_DIGITS = re.compile(r"[0-9]{1,5}", re.ASCII)


def invalid(name: str, wanted: str) -> RejectedStatementError:
    """Return the refusal of a field's value, which is never quoted: it may be a person's."""
    return RejectedStatementError(f"invalid_{name.rpartition('.')[2]}", f"{name} must be {wanted}.")


def identifier(value: object) -> str | None:
    """Return an id that may be written as text or as a whole number, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def text(name: str, value: object) -> str | None:
    """Return a text without its outer blanks; a blank one is None.

    Raises:
        RejectedStatementError: When it is no text, or one that UTF-8 cannot write.
    """
    if not isinstance(value, str):
        raise invalid(name, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise invalid(name, "text without lone surrogates") from None
    return value.strip() or None


def texts(name: str, value: object) -> list[str]:
    """Return a list of texts; null is none.

    Raises:
        RejectedStatementError: When it is no list of texts.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(name, "a list of texts")
    return [item for entry in value if (item := text(name, entry)) is not None]


def integer(name: str, value: object, least: int, most: int = LARGEST_INTEGER) -> int:
    """Return a whole number in a range.

    Raises:
        RejectedStatementError: When it is none, or outside.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(name, f"a whole number from {least} to {most}")
    return value


def party_size(name: str, value: object) -> int:
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
    return integer(name, value, 1, LARGEST_PARTY)


def start_at(name: str, value: object, zone: ZoneInfo) -> dict[str, Value]:
    """Return what a start time says: the instant in whole seconds, and the note on reading it."""
    moment = _moment(name, value, zone)
    return {
        "startAt": moment.instant.replace(microsecond=0),
        "startAtNote": moment.note and moment.note.value,
    }


def _moment(name: str, value: object, zone: ZoneInfo) -> Moment:
    try:
        return moment_of(value if isinstance(value, str) else "", zone)
    except ValueError:
        raise invalid(name, "an ISO 8601 date and time") from None


def instant(row: dict[str, Any], name: str, zone: ZoneInfo) -> Moment | None:
    """Return one of OpenTable's moments, which it sends as ``{name}_utc`` and as local ``{name}``.

    The UTC one is the truth (zone-less = UTC); the local one serves where it is missing.

    Raises:
        RejectedStatementError: When the one to read is no date and time.
    """
    exact = row.get(f"{name}_utc")
    if exact is None:
        local = row.get(name)
        return None if local is None else _moment(name, local, zone)
    try:
        return Moment(instant_of(exact if isinstance(exact, str) else ""))
    except ValueError:
        raise invalid(f"{name}_utc", "an ISO 8601 date and time") from None


def speaks_of(row: dict[str, Any], name: str) -> bool:
    """Whether a row says anything of a moment, null included."""
    return name in row or f"{name}_utc" in row


def instant_or_none(row: dict[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """Return a moment's instant, None where the row says that it has not come."""
    moment = instant(row, name, zone)
    return None if moment is None else moment.instant
