"""What the patterns of a restaurant are made of: the few facts of a reservation that are counted.

No fact names a person or a reservation: what is counted can be kept for good.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.states import Status
from shared.core.system import System
from shared.core.times import instant_of

FACTS = (
    "source.system",
    "startAt",
    "startAtTimestamp",
    "localDate",
    "partySize",
    "status",
    "bookedAt",
    "createdAt",
    "metadata.origin",
)
"""The fields of a document that `visit_of` reads."""

LARGEST_PARTY = 20
_LATE = timedelta(hours=2)
_IGNORED = str.maketrans("", "", " _-")


class Lead(StrEnum):
    """How long before its time a booking was made, the shortest first.

    Under two hours is by the clock, all else by the restaurant's calendar.
    """

    UNDER_2_HOURS = "UNDER_2_HOURS"
    SAME_DAY = "SAME_DAY"
    DAY_BEFORE = "DAY_BEFORE"
    DAYS_2_TO_3 = "DAYS_2_TO_3"
    DAYS_4_TO_7 = "DAYS_4_TO_7"
    DAYS_8_TO_14 = "DAYS_8_TO_14"
    DAYS_15_TO_28 = "DAYS_15_TO_28"
    OVER_28_DAYS = "OVER_28_DAYS"
    UNKNOWN = "UNKNOWN"


_MOST_DAYS = (
    (0, Lead.SAME_DAY),
    (1, Lead.DAY_BEFORE),
    (3, Lead.DAYS_2_TO_3),
    (7, Lead.DAYS_4_TO_7),
    (14, Lead.DAYS_8_TO_14),
    (28, Lead.DAYS_15_TO_28),
)


class Outcome(StrEnum):
    """What came of a reservation, as far as one knows."""

    COMES = "COMES"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_OUTCOMES: dict[str, Outcome] = {
    Status.CANCELLED: Outcome.CANCELLED,
    Status.NO_SHOW: Outcome.NO_SHOW,
}


class Visit(Struct, frozen=True):
    """What is counted of one reservation.

    Attributes:
        system: Where it was made; what is not OpenTable's is the restaurant's own.
        day: The local date, ``YYYY-MM-DD``.
        hour: The hour on the restaurant's wall clock, 0-23; None where the time is not known.
        party: How many, at least 1; None where it is not known.
        lead: How long before it was booked; None for a party that walked in.
        outcome: What came of it.
    """

    system: System
    day: str
    hour: int | None
    party: int | None
    lead: Lead | None
    outcome: Outcome


def visit_of(document: Mapping[str, Any], zone: ZoneInfo) -> Visit | None:
    """Return what is counted of a document; None where its day is not known.

    What is not of the documented type (another part of the app writes documents too) counts as
    not known.

    Args:
        document: As stored, its `FACTS` at least.
        zone: The restaurant's.
    """
    day = document.get("localDate")
    if not isinstance(day, str):
        return None
    start = _start(document)
    ours = _inner(document, "source", "system") != System.OPENTABLE
    booked = document.get("bookedAt") or (document.get("createdAt") if ours else None)
    return Visit(
        system=System.LINEUP if ours else System.OPENTABLE,
        day=day,
        hour=start.astimezone(zone).hour if start else None,
        party=_party(document.get("partySize")),
        lead=None if _walked_in(document) else lead_of(booked, start, zone),
        outcome=_OUTCOMES.get(str(document.get("status")), Outcome.COMES),
    )


def lead_of(booked: object, start: datetime | None, zone: ZoneInfo) -> Lead:
    """Return how long before its time a reservation was booked.

    Args:
        booked: When, an aware time; anything else is not known.
        start: Its time.
        zone: Whose calendar counts the days.
    """
    if start is None or not isinstance(booked, datetime):
        return Lead.UNKNOWN
    if start - booked < _LATE:
        return Lead.UNDER_2_HOURS
    days = (start.astimezone(zone).date() - booked.astimezone(zone).date()).days
    return next((lead for most, lead in _MOST_DAYS if days <= most), Lead.OVER_28_DAYS)


def _walked_in(document: Mapping[str, Any]) -> bool:
    origin = _inner(document, "metadata", "origin")
    return isinstance(origin, str) and origin.translate(_IGNORED).casefold() == "walkin"


def _inner(document: Mapping[str, Any], name: str, key: str) -> object:
    outer = document.get(name)
    return outer.get(key) if isinstance(outer, Mapping) else None


def _party(size: object) -> int | None:
    known = isinstance(size, int) and not isinstance(size, bool) and size >= 1
    return size if known else None  # type: ignore[return-value] # an int, as just seen


def _start(document: Mapping[str, Any]) -> datetime | None:
    moment, text = document.get("startAtTimestamp"), document.get("startAt")
    if isinstance(moment, datetime) or not isinstance(text, str):
        return moment if isinstance(moment, datetime) else None
    try:
        return instant_of(text)
    except ValueError:
        return None
