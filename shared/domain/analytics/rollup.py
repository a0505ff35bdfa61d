"""What the patterns of a restaurant are made of: the few facts of a reservation that are counted.

No fact names a person or a reservation: what is counted can be kept for good.

Reservation patterns: counts of visits by day and source, folded in any order to the same.

A day's roll-up is a pure function of the visits on it. It is made anew from the ledger by each
run, and what the run itself corrects is taken out as what it was counted and counted as what it
is: a reservation that moved or was cancelled counts once, where it is now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, KeysView, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.document import flatten_document, nest_fields
from shared.domain.normalization.fields import ReservationStatus, parse_instant
from shared.domain.normalization.identifiers import ReservationSystem

ANALYTICS_FIELDS = (
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


"""The fields of a document that `booking_facts` reads."""


MAX_COUNTED_PARTY_SIZE = 20
_SHORT_NOTICE = timedelta(hours=2)
_IGNORED_CHARACTERS = str.maketrans("", "", " _-")


class LeadTimeBucket(StrEnum):
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


_MAX_DAYS_BY_BUCKET = (
    (0, LeadTimeBucket.SAME_DAY),
    (1, LeadTimeBucket.DAY_BEFORE),
    (3, LeadTimeBucket.DAYS_2_TO_3),
    (7, LeadTimeBucket.DAYS_4_TO_7),
    (14, LeadTimeBucket.DAYS_8_TO_14),
    (28, LeadTimeBucket.DAYS_15_TO_28),
)


class BookingOutcome(StrEnum):
    """What came of a reservation, as far as one knows."""

    ATTENDING = "ATTENDING"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_OUTCOME_BY_STATUS: dict[str, BookingOutcome] = {
    ReservationStatus.CANCELLED: BookingOutcome.CANCELLED,
    ReservationStatus.NO_SHOW: BookingOutcome.NO_SHOW,
}


class BookingFacts(Struct, frozen=True):
    """What is counted of one reservation.

    Attributes:
        system: Where it was made; what is not OpenTable's is the restaurant's own.
        local_date: The local date, ``YYYY-MM-DD``.
        hour: The hour on the restaurant's wall clock, 0-23; None where the time is not known.
        party_size: How many, at least 1; None where it is not known.
        lead_time: How long before it was booked; None for a party that walked in.
        outcome: What came of it.
    """

    system: ReservationSystem
    local_date: str
    hour: int | None
    party_size: int | None
    lead_time: LeadTimeBucket | None
    outcome: BookingOutcome


def booking_facts(document: Mapping[str, Any], zone: ZoneInfo) -> BookingFacts | None:
    """Return what is counted of a document; None where its day is not known.

    What is not of the documented type (another part of the app writes documents too) counts as
    not known.

    Args:
        document: As stored, its `ANALYTICS_FIELDS` at least.
        zone: The restaurant's.
    """
    day = document.get("localDate")
    if not isinstance(day, str):
        return None
    start = _read_start_time(document)
    is_native = _get_nested(document, "source", "system") != ReservationSystem.OPENTABLE
    booked_at = document.get("bookedAt") or (document.get("createdAt") if is_native else None)
    return BookingFacts(
        system=ReservationSystem.LINEUP if is_native else ReservationSystem.OPENTABLE,
        local_date=day,
        hour=start.astimezone(zone).hour if start else None,
        party_size=_read_party_size(document.get("partySize")),
        lead_time=None if _is_walk_in(document) else classify_lead_time(booked_at, start, zone),
        outcome=_OUTCOME_BY_STATUS.get(str(document.get("status")), BookingOutcome.ATTENDING),
    )


def classify_lead_time(booked_at: object, start: datetime | None, zone: ZoneInfo) -> LeadTimeBucket:
    """Return how long before its time a reservation was booked.

    Args:
        booked_at: When, an aware time; anything else is not known.
        start: Its time.
        zone: Whose calendar counts the days.
    """
    if start is None or not isinstance(booked_at, datetime):
        return LeadTimeBucket.UNKNOWN
    if start - booked_at < _SHORT_NOTICE:
        return LeadTimeBucket.UNDER_2_HOURS
    days = (start.astimezone(zone).date() - booked_at.astimezone(zone).date()).days
    return next(
        (bucket for max_days, bucket in _MAX_DAYS_BY_BUCKET if days <= max_days),
        LeadTimeBucket.OVER_28_DAYS,
    )


def _is_walk_in(document: Mapping[str, Any]) -> bool:
    origin = _get_nested(document, "metadata", "origin")
    return isinstance(origin, str) and origin.translate(_IGNORED_CHARACTERS).casefold() == "walkin"


def _get_nested(document: Mapping[str, Any], name: str, key: str) -> object:
    outer = document.get(name)
    return outer.get(key) if isinstance(outer, Mapping) else None


def _read_party_size(size: object) -> int | None:
    is_valid = isinstance(size, int) and not isinstance(size, bool) and size >= 1
    return size if is_valid else None  # type: ignore[return-value] # an int, as just seen


def _read_start_time(document: Mapping[str, Any]) -> datetime | None:
    moment, text = document.get("startAtTimestamp"), document.get("startAt")
    if isinstance(moment, datetime) or not isinstance(text, str):
        return moment if isinstance(moment, datetime) else None
    try:
        return parse_instant(text)
    except ValueError:
        return None


RollupCounts = Counter[str]


"""Dotted path to count, as ``coversByHour.19``; what is zero is left out.

``bookings`` were made ahead, whatever came of them, ``cancelled`` and ``noShows`` among them;
``walkIns`` came without; ``covers`` are the people of those who come or came, walk-ins included,
``cancelledCovers`` and ``noShowCovers`` of those who do not. By hour of the visit:
``bookingsByHour``, ``coversByHour``; by `LeadTimeBucket`: ``bookingsByLead``; by size:
``partiesBySize``, of
those who come or came.
"""


DailyRollup = dict[str, dict[str, Any]]


"""A day as it is stored: source to counts, the dotted ones as maps."""


UNKNOWN_BUCKET = "UNKNOWN"


class RollupBuilder:
    """The patterns of some days while their visits are counted.

    Args:
        days: The local dates wanted, ``YYYY-MM-DD``; visits on others are passed over.
        zone: The restaurant's.
    """

    def __init__(self, days: Iterable[str], zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[str, dict[ReservationSystem, RollupCounts]] = {}
        for day in days:
            self.reset_day(day)

    def reset_day(self, day: str) -> None:
        """Want a day, and forget what was counted on it."""
        self._days[day] = {system: Counter() for system in ReservationSystem}

    def add_document(self, document: Mapping[str, Any]) -> BookingFacts | None:
        """Count a document of the ledger where its day is wanted; return as what it counts.

        Args:
            document: As stored, its `visits.FACTS` at least.
        """
        facts = booking_facts(document, self._zone)
        if facts is not None and facts.local_date in self._days:
            count_booking(self._days[facts.local_date][facts.system], facts)
        return facts

    def remove_booking(self, facts: BookingFacts | None) -> None:
        """Undo the counting of a document, given as what it counted; None counted as nothing."""
        if facts is not None and facts.local_date in self._days:
            counts = self._days[facts.local_date][facts.system]
            counts.subtract(dict(_iter_counts(facts)))
            # A zero would be stored, and a day's form would depend on what has been on it.
            self._days[facts.local_date][facts.system] = +counts

    @property
    def days(self) -> KeysView[str]:
        """The days wanted."""
        return self._days.keys()

    def build_rollups(self) -> dict[str, DailyRollup]:
        """Return the days wanted, by date, those without a visit too."""
        return {
            day: {system.value: nest_fields(counts) for system, counts in sources.items()}
            for day, sources in self._days.items()
        }


def count_booking(counts: RollupCounts, facts: BookingFacts) -> None:
    """Add a visit to the counts of its day and source."""
    for path, number in _iter_counts(facts):
        counts[path] += number


def _iter_counts(facts: BookingFacts) -> Iterator[tuple[str, int]]:
    hour = UNKNOWN_BUCKET if facts.hour is None else f"{facts.hour:02}"
    covers = facts.party_size or 0
    if facts.lead_time is not None:
        yield "bookings", 1
        yield f"bookingsByHour.{hour}", 1
        yield f"bookingsByLead.{facts.lead_time}", 1
    if facts.outcome is BookingOutcome.ATTENDING:
        yield from _iter_attending_counts(facts, hour, covers)
    elif facts.lead_time is not None:
        # One who waited unbooked and left is neither a visit nor a broken booking.
        names = ("noShows", "noShowCovers")
        if facts.outcome is BookingOutcome.CANCELLED:
            names = ("cancelled", "cancelledCovers")
        yield from _iter_covers(names[1], covers)
        yield names[0], 1


def _iter_attending_counts(
    facts: BookingFacts, hour: str, covers: int
) -> Iterator[tuple[str, int]]:
    if facts.lead_time is None:
        yield "walkIns", 1
    yield from _iter_covers("covers", covers)
    yield from _iter_covers(f"coversByHour.{hour}", covers)
    size = (
        UNKNOWN_BUCKET if facts.party_size is None else f"{min(covers, MAX_COUNTED_PARTY_SIZE):02}"
    )
    yield f"partiesBySize.{size}", 1


def _iter_covers(path: str, covers: int) -> Iterator[tuple[str, int]]:
    # A zero would be stored, and a day's form would depend on what it is made of.
    if covers:
        yield path, covers


def counts_from_map(stored: Mapping[str, Any]) -> RollupCounts:
    """Return the counts of one source of a stored day."""
    return Counter(flatten_document(stored))


def sum_counts(counts: Iterable[RollupCounts]) -> RollupCounts:
    """Return the sum of counts; each may be of any day and source."""
    total: RollupCounts = Counter()
    for each in counts:
        total.update(each)
    return total
