"""Instants, a restaurant's wall clock, and the hours that a clock change repeats or skips."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

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
