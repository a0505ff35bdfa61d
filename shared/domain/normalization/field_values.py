"""Parse single values of a row or an envelope: times, texts, numbers and states.

A function with the name of a field raises `InvalidEventError` for an unusable value. The error has
that name and never the value: it may be personal.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.events import FieldValue, is_representable_instant
from shared.errors import InvalidEventError

MAX_PARTY_SIZE = 99_999
MAX_INTEGER = 2**63 - 1  # Firestore's
_MAX_EXACT_FLOAT = 2**53  # above it, a float skips some integers

# Unicode's white space, and the characters without width that are copied along with a text.
_ZERO_WIDTH = "\u200b\u2060\ufeff"
BLANKS = (
    " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000" + _ZERO_WIDTH
)

# The length is bounded: converting a very long number is expensive.
_NUMBER_TEXT = re.compile(r"([+-]?[0-9]{1,19})(\.0*)?", re.ASCII)

# With the dashes of Unicode, and its marks of the direction of writing.
_PHONE_PUNCTUATION = re.compile(
    rf"[\s()+./{_ZERO_WIDTH}\u200e\u200f\u2010-\u2015\u202a-\u202e\u2066-\u2069\u2212-]+"
)
_PHONE_SCHEME = "tel:"

_ISO = re.compile(
    r"(?P<wall>\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,30})?)?)"
    r"(?P<zone>[Zz]|[+-]\d{2}(:?\d{2})?)?",
    re.ASCII,
)


class LocalTimeNote(StrEnum):
    """The assumption about an ambiguous or nonexistent wall-clock time."""

    EARLIER_OF_REPEATED_HOUR = "EARLIER_OF_REPEATED_HOUR"
    MOVED_PAST_SKIPPED_HOUR = "MOVED_PAST_SKIPPED_HOUR"


class ParsedInstant(Struct, frozen=True):
    """An instant in UTC."""

    instant: datetime
    note: LocalTimeNote | None = None


def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 date and time; without an offset it is UTC.

    Raises:
        ValueError: The text is malformed, or the instant is outside some zone's calendar.
    """
    return parse_instant_in_zone(text, ZoneInfo("UTC")).instant


def parse_instant_in_zone(text: str, zone: ZoneInfo) -> ParsedInstant:
    """Parse an ISO 8601 date and time; without an offset it is wall-clock time in `zone`.

    Raises:
        ValueError: As for `parse_instant`.
    """
    moment, note = _parse_iso(text), None
    try:
        if moment.tzinfo is None:
            # fold=0 is the earlier of two equal wall-clock times, and moves forward over a gap.
            moment = moment.replace(tzinfo=zone, fold=0)
            before, after = moment.utcoffset(), moment.replace(fold=1).utcoffset()
            if before is not None and after is not None and before != after:
                note = (
                    LocalTimeNote.EARLIER_OF_REPEATED_HOUR
                    if before > after
                    else LocalTimeNote.MOVED_PAST_SKIPPED_HOUR
                )
        instant = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the calendar") from None
    if not is_representable_instant(instant):
        raise ValueError("outside the calendar")
    return ParsedInstant(instant, note)


def list_local_time_readings(text: str, zone: ZoneInfo) -> set[datetime]:
    """Return the instants that a wall-clock time can mean in `zone`, in whole seconds.

    A time in a skipped or repeated hour has two, a time with an offset has one.

    Raises:
        ValueError: As for `parse_instant`.
    """
    moment = _parse_iso(text).replace(microsecond=0)
    if moment.tzinfo is not None:
        return {parse_instant(text).replace(microsecond=0)}
    local_time = moment.replace(tzinfo=zone)
    try:
        return {local_time.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    except OverflowError:
        raise ValueError("outside the calendar") from None


def _parse_iso(text: str) -> datetime:
    match = _ISO.fullmatch(text.strip(BLANKS))
    if match is None:
        raise ValueError("not an ISO 8601 date and time")
    return datetime.fromisoformat(match[0].upper().replace(",", "."))


def format_utc(instant: datetime) -> str:
    """Format an instant as ``YYYY-MM-DDTHH:MM:SSZ``, in whole seconds."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def format_local_date(instant: datetime, zone: ZoneInfo) -> str:
    """Format the local date of an instant as ``YYYY-MM-DD``."""
    return instant.astimezone(zone).date().isoformat()


def build_field_error(name: str, requirement: str) -> InvalidEventError:
    """Return the error for a field with an unusable value; its reason is ``invalid_<field>``."""
    return InvalidEventError(f"invalid_{name.rpartition('.')[2]}", f"{name} must be {requirement}.")


def parse_identifier(value: object) -> str | None:
    """Return an id, sent as text or as an integer, without outer blanks, else None."""
    text = format_number(value)
    return text.strip(BLANKS) or None if isinstance(text, str) else None


def canonicalize_number(value: object) -> object:
    """Return an integer that was sent as text or as a float as an int; other values unchanged."""
    if isinstance(value, str):
        match = _NUMBER_TEXT.fullmatch(value.strip(BLANKS))
        number = None if match is None else int(match[1])
        return value if number is None or number > MAX_INTEGER else number
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT_FLOAT:
        return int(value)
    return value


def format_number(value: object) -> object:
    """Return an integer as text, other values unchanged: a number may be sent for a text."""
    if isinstance(value, str | bool):
        return value
    number = canonicalize_number(value)
    return str(number) if isinstance(number, int) else value


def is_absent(value: object) -> bool:
    """Whether a value reports nothing: null, or a blank text in place of a number or a time."""
    return value is None or (isinstance(value, str) and not value.strip(BLANKS))


def canonicalize_text(text: str) -> str:
    """Return a text in Unicode NFC, with LF line ends and without outer blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines).strip(BLANKS)


def normalize_phone(number: str) -> str:
    """Return a phone number for comparisons: without punctuation and an international prefix."""
    digits = remove_phone_punctuation(unicodedata.normalize("NFKC", number))
    return digits.removeprefix(_PHONE_SCHEME).lstrip("0")


def remove_phone_punctuation(text: str) -> str:
    """Return a text without the signs that separate the digits of a phone number."""
    return _PHONE_PUNCTUATION.sub("", text)


def parse_text(name: str, value: object) -> str | None:
    """Return a text in canonical form (see `canonicalize_text`), None for a blank one."""
    if not isinstance(value, str):
        raise build_field_error(name, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise build_field_error(name, "text without lone surrogates") from None
    return canonicalize_text(value) or None


def parse_text_list(name: str, value: object) -> list[str]:
    """Return a list of texts without blank ones; null or a blank text is an empty list.

    A number counts as its text: a table may be sent as 12 or as "12".
    """
    if is_absent(value):
        return []
    if not isinstance(value, list):
        raise build_field_error(name, "a list of texts")
    texts = [parse_text(name, format_number(entry)) for entry in value]
    return [text for text in texts if text is not None]


def parse_text_set(name: str, value: object) -> list[str]:
    """Return a list of texts in any order, sorted and without repeats."""
    return sorted(set(parse_text_list(name, value)))


def parse_integer(name: str, value: object, minimum: int, maximum: int = MAX_INTEGER) -> int:
    """Return an integer between the two limits, both included; it may be sent as text."""
    number = canonicalize_number(value)
    if isinstance(number, bool) or not isinstance(number, int) or not minimum <= number <= maximum:
        raise build_field_error(name, f"a whole number from {minimum} to {maximum}")
    return number


def parse_boolean(name: str, value: object) -> bool | None:
    """Return a truth value, also sent as text or as 0 or 1; None for null and a blank text."""
    if is_absent(value):
        return None
    word = str(canonicalize_number(value)).strip().casefold()
    if word in {"true", "1"}:
        return True
    if word in {"false", "0"}:
        return False
    raise build_field_error(name, "true or false")


def parse_party_size(name: str, value: object) -> int:
    """Return a party size of at least 1."""
    return parse_integer(name, value, 1, MAX_PARTY_SIZE)


def parse_state(name: str, value: object) -> dict[str, FieldValue]:
    """Return the fields ``state``, in canonical form, and ``status``, if the state is known."""
    text = None if value is None else parse_text(name, value)
    if text is None:
        return {}
    state = canonicalize_state(text)
    status = parse_status(state)
    return {"state": state} if status is None else {"state": state, "status": status.value}


def build_start_fields(start: ParsedInstant) -> dict[str, FieldValue]:
    """Return the fields ``startAt`` and ``startAtNote``."""
    return {"startAt": start.instant, "startAtNote": start.note and start.note.value}


def parse_row_time(row: Mapping[str, Any], name: str, zone: ZoneInfo) -> ParsedInstant | None:
    """Return a time of OpenTable's, sent as ``{name}_utc`` and as local ``{name}``.

    The UTC key is authoritative (without an offset it is UTC); the local one is its substitute.
    """
    utc_text = row.get(f"{name}_utc")
    if is_absent(utc_text):
        local_text = row.get(name)
        return None if is_absent(local_text) else parse_time(name, local_text, zone)
    return parse_time(f"{name}_utc", utc_text, ZoneInfo("UTC"))


def parse_row_instant(row: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a time of OpenTable's, None if null or absent."""
    parsed = parse_row_time(row, name, zone)
    return None if parsed is None else parsed.instant


def parse_time(name: str, value: object, zone: ZoneInfo) -> ParsedInstant:
    """Return a time in whole seconds; without an offset it is wall-clock time in `zone`."""
    try:
        parsed = parse_instant_in_zone(value if isinstance(value, str) else "", zone)
    except ValueError:
        raise build_field_error(name, "an ISO 8601 date and time") from None
    return ParsedInstant(parsed.instant.replace(microsecond=0), parsed.note)


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

_IGNORED_CHARACTERS = re.compile(rf"[\s_{_ZERO_WIDTH}-]+")


def normalize_state(state: str) -> str:
    """Return a state for comparisons: without case, blanks, ``_`` and ``-``."""
    # NFD on both sides makes the comparison independent of the form (Unicode, section 3.13).
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", state).casefold())
    return unicodedata.normalize("NFC", _IGNORED_CHARACTERS.sub("", folded))


_STATUS_BY_STATE = {
    normalize_state(state): status
    for status, states in _STATES_BY_STATUS.items()
    for state in states.split()
}
# The first of two listed spellings, such as NoShow and no_show, is the canonical one.
_SPELLING_BY_STATE = {
    normalize_state(state): state
    for states in _STATES_BY_STATUS.values()
    for state in reversed(states.split())
} | {"canceled": "Cancelled"}


def canonicalize_state(state: str) -> str:
    """Return the listed spelling of a known state, an unknown one as a text."""
    return _SPELLING_BY_STATE.get(normalize_state(state)) or canonicalize_text(state)


# The documented words by field; OpenTable may add others.
_WORDS = {
    "origin": {normalize_state(word): word for word in ("Web", "Walk-in", "Phone")},
    "tableCategory": {word: word for word in ("hightop", "bar", "counter", "outdoor")},
}
WORD_FIELDS = frozenset(_WORDS)


def canonicalize_word(name: str, text: str) -> str:
    """Return the documented spelling of a known word of a field, an unknown one as a text."""
    return _WORDS[name].get(normalize_state(text)) or canonicalize_text(text)


def parse_status(state: str) -> ReservationStatus | None:
    """Return the ledger's status for a state of OpenTable's or a relay's, None for an unknown one.

    Case, spaces, ``_`` and ``-`` do not matter: OpenTable's own pages write both
    ``PartiallySeated`` and ``Partially Seated``. The list is open (a point of sale can add course
    names), so an unknown state is not an error.
    """
    return _STATUS_BY_STATE.get(normalize_state(state))
