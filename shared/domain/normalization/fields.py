"""Instants, a restaurant's wall clock, and the hours that a clock change repeats or skips.

Single values of a statement, checked one by one; every refusal names its field.

OpenTable's words for a reservation's state, and the ledger's.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.events import FieldValue
from shared.errors import InvalidEventError

_ISO = re.compile(
    r"(?P<wall>\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)"
    r"(?P<zone>[Zz]|[+-]\d{2}(:?\d{2})?)?",
    re.ASCII,
)

# A day inside the calendar's ends, so that every zone can show the instant.
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)


class LocalTimeNote(StrEnum):
    """What had to be assumed to turn a wall-clock time into an instant."""

    EARLIER_OF_REPEATED_HOUR = "EARLIER_OF_REPEATED_HOUR"
    MOVED_PAST_SKIPPED_HOUR = "MOVED_PAST_SKIPPED_HOUR"


class ParsedInstant(Struct, frozen=True):
    """An instant in UTC, with the note that its reading needed, if any."""

    instant: datetime
    note: LocalTimeNote | None = None


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 date and time as an instant in UTC; one without a zone is UTC.

    Raises:
        ValueError: When the text is not a date with a time, or not every
            zone's calendar has that instant.
    """
    return _parse_iso(text, ZoneInfo("UTC")).instant


def parse_instant_in_zone(text: str, zone: ZoneInfo) -> ParsedInstant:
    """Read an ISO 8601 date and time; one without a zone is the wall clock of ``zone``.

    Raises:
        ValueError: As for `parse_instant`.
    """
    return _parse_iso(text, zone)


def _parse_iso(text: str, zone: ZoneInfo) -> ParsedInstant:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an ISO 8601 date and time")
    moment = datetime.fromisoformat(match[0].upper().replace(",", "."))
    try:
        parsed = (
            _resolve_local_time(moment, zone)
            if moment.tzinfo is None
            else ParsedInstant(_to_utc(moment))
        )
    except OverflowError:
        raise ValueError("outside the calendar") from None
    if not _EARLIEST <= parsed.instant <= _LATEST:
        raise ValueError("outside the calendar")
    return parsed


def _resolve_local_time(local_time: datetime, zone: ZoneInfo) -> ParsedInstant:
    """Place a wall-clock time: fold 0 is the earlier of two, and jumps forward over a gap."""
    earlier = local_time.replace(tzinfo=zone, fold=0)
    first, second = earlier.utcoffset(), earlier.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return ParsedInstant(_to_utc(earlier))
    if first > second:
        return ParsedInstant(_to_utc(earlier), LocalTimeNote.EARLIER_OF_REPEATED_HOUR)
    return ParsedInstant(_to_utc(earlier), LocalTimeNote.MOVED_PAST_SKIPPED_HOUR)


def _to_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def format_utc(instant: datetime) -> str:
    """Write an instant as ``YYYY-MM-DDTHH:MM:SSZ``, whole seconds."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def format_local_date(instant: datetime, zone: ZoneInfo) -> str:
    """Return the restaurant's local date of an instant, ``YYYY-MM-DD``."""
    return instant.astimezone(zone).date().isoformat()


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


class ReservationStatus(StrEnum):
    """The ledger's statuses."""

    BOOKED = "BOOKED"
    CONFIRMED = "CONFIRMED"
    CHECKED_IN = "CHECKED_IN"
    SEATED = "SEATED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_STATES_BY_STATUS = {
    ReservationStatus.BOOKED: "NotConfirmed LeftMessage WrongNumber NoAnswer pending booked",
    ReservationStatus.CONFIRMED: "Confirmed Late",
    ReservationStatus.CHECKED_IN: "PartiallyArrived AllArrived checked_in arrived",
    ReservationStatus.SEATED: (
        "PartiallySeated Seated Appetizer Entree Dessert CheckDropped Paid Cleared BusTable"
    ),
    ReservationStatus.COMPLETED: "Done AssumedDone AssumedSeated completed",
    ReservationStatus.CANCELLED: "Cancelled canceled",
    ReservationStatus.NO_SHOW: "NoShow no_show",
}

_IGNORED_CHARACTERS = str.maketrans("", "", " _-")


def _normalize_state(state: str) -> str:
    return state.translate(_IGNORED_CHARACTERS).casefold()


_STATUS_BY_STATE = {
    _normalize_state(word): status
    for status, words in _STATES_BY_STATUS.items()
    for word in words.split()
}


def parse_status(state: str) -> ReservationStatus | None:
    """Return the ledger's status for OpenTable's or a relay's word, or None for an unknown one.

    Case, spaces, ``_`` and ``-`` do not matter: OpenTable's own pages write both
    ``PartiallySeated`` and ``Partially Seated``. The list is not closed (a point of sale may
    add course names), so an unknown word is no error.
    """
    return _STATUS_BY_STATE.get(_normalize_state(state))
