"""Count reservations by day and source, and summarize the counts.

A day's roll-up is a pure function of its reservations, in any order. No count names a person or a
reservation, so roll-ups are stored for longer than reservations.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, KeysView, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.divergence import ReviewDecision
from shared.domain.ledger.document import find_start
from shared.domain.normalization.field_values import MAX_PARTY_SIZE, ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.validation import flatten_document, nest_fields, read_map

# The document fields read by `read_booking_facts`.
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
    "reconciliation.reviewDecision",
)

MAX_COUNTED_PARTY_SIZE = 20
UNKNOWN_BUCKET = "UNKNOWN"
_LONG_NOTICE = timedelta(days=30)  # over 28 days in every zone
_SHORT_NOTICE = timedelta(hours=2)
_IGNORED_CHARACTERS = str.maketrans("", "", " _-")


class LeadTimeBucket(StrEnum):
    """Time from booking to visit, shortest first.

    Under two hours is measured by the clock, everything else in the restaurant's calendar days.
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
    """The result of a reservation so far."""

    ATTENDING = "ATTENDING"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_OUTCOME_BY_STATUS: dict[str, BookingOutcome] = {
    ReservationStatus.CANCELLED: BookingOutcome.CANCELLED,
    ReservationStatus.NO_SHOW: BookingOutcome.NO_SHOW,
}


class BookingFacts(Struct, frozen=True):
    """The counted facts of one reservation.

    Attributes:
        local_date: The restaurant's local date, ``YYYY-MM-DD``.
        hour: Local hour of the start, 0-23; None if unknown.
        party_size: From 1 to `MAX_PARTY_SIZE`; None if unknown.
        lead_time: None for a walk-in.
    """

    system: ReservationSystem
    local_date: str
    hour: int | None
    party_size: int | None
    lead_time: LeadTimeBucket | None
    outcome: BookingOutcome


def read_booking_facts(document: Mapping[str, Any], zone: ZoneInfo) -> BookingFacts | None:
    """Read the counted facts of a document with at least the `ANALYTICS_FIELDS`.

    Values of another type count as unknown, because other parts of the app write documents too. A
    document without a local date returns None, and so does one that the staff removed.
    """
    day = document.get("localDate")
    decision = read_map(document, "reconciliation").get("reviewDecision")
    if not isinstance(day, str) or decision == ReviewDecision.REMOVED:
        return None
    start = find_start(document)
    is_native = read_map(document, "source").get("system") != ReservationSystem.OPENTABLE
    # A native document is created by its booking; OpenTable's may be created long after it.
    booked_at = document.get("bookedAt") or (document.get("createdAt") if is_native else None)
    origin = read_map(document, "metadata").get("origin")
    is_walk_in = (
        isinstance(origin, str) and origin.translate(_IGNORED_CHARACTERS).casefold() == "walkin"
    )
    size = document.get("partySize")
    # A bool is an int, too. The sum of larger numbers could not be stored.
    has_size = type(size) is int and 1 <= size <= MAX_PARTY_SIZE
    return BookingFacts(
        system=ReservationSystem.LINEUP if is_native else ReservationSystem.OPENTABLE,
        local_date=day,
        hour=start.astimezone(zone).hour if start else None,
        party_size=size if has_size else None,
        lead_time=None if is_walk_in else classify_lead_time(booked_at, start, zone),
        outcome=_OUTCOME_BY_STATUS.get(str(document.get("status")), BookingOutcome.ATTENDING),
    )


def classify_lead_time(booked_at: object, start: datetime | None, zone: ZoneInfo) -> LeadTimeBucket:
    """Classify the time from booking to start; a booking time of another type is unknown."""
    if start is None or not isinstance(booked_at, datetime):
        return LeadTimeBucket.UNKNOWN
    if start - booked_at < _SHORT_NOTICE:
        return LeadTimeBucket.UNDER_2_HOURS
    if start - booked_at > _LONG_NOTICE:
        return LeadTimeBucket.OVER_28_DAYS
    days = (start.astimezone(zone).date() - booked_at.astimezone(zone).date()).days
    return next(
        (bucket for max_days, bucket in _MAX_DAYS_BY_BUCKET if days <= max_days),
        LeadTimeBucket.OVER_28_DAYS,
    )


# Dotted path to count, such as `coversByHour.19`; zeros are omitted. Hours are those of the visit.
# - Bookings made ahead, whatever their outcome: `bookings`, `bookingsByHour.*`, `bookingsByLead.*`.
# - Of these: `cancelled`, `noShows`, and their people: `cancelledCovers`, `noShowCovers`.
# - Attended or still expected, walk-ins included: `covers` (people), `coversByHour.*`,
#   `partiesBySize.*`.
# - Walk-in parties: `walkIns`.
RollupCounts = Counter[str]

# A stored day: source to counts, dotted paths as nested maps.
DailyRollup = dict[str, dict[str, Any]]


class RollupBuilder:
    """Build the roll-ups of the given local dates; reservations of other days are ignored."""

    def __init__(self, days: Iterable[str], zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[str, dict[ReservationSystem, RollupCounts]] = {}
        for day in days:
            self.reset_day(day)

    @property
    def days(self) -> KeysView[str]:
        """The days to count."""
        return self._days.keys()

    def reset_day(self, day: str) -> None:
        """Add a day, or discard its counts."""
        self._days[day] = {system: Counter() for system in ReservationSystem}

    def add_document(self, document: Mapping[str, Any]) -> BookingFacts | None:
        """Count a document with at least the `ANALYTICS_FIELDS`; return its facts."""
        facts = read_booking_facts(document, self._zone)
        if facts is not None and facts.local_date in self._days:
            self._days[facts.local_date][facts.system].update(_count_booking(facts))
        return facts

    def remove_booking(self, facts: BookingFacts | None) -> None:
        """Subtract a reservation counted earlier; None is ignored."""
        if facts is None or facts.local_date not in self._days:
            return
        # A difference of counters has no zeros, so the day equals one never counted with it.
        self._days[facts.local_date][facts.system] -= _count_booking(facts)

    def build_rollups(self) -> dict[str, DailyRollup]:
        """Return the roll-up of every day by date, days without a reservation included."""
        return {
            day: {system.value: nest_fields(counts) for system, counts in sources.items()}
            for day, sources in self._days.items()
        }


def _count_booking(facts: BookingFacts) -> RollupCounts:
    """Return the counts of one reservation, without zeros."""
    counts: RollupCounts = Counter()
    hour = UNKNOWN_BUCKET if facts.hour is None else f"{facts.hour:02}"
    is_walk_in = facts.lead_time is None
    if not is_walk_in:
        counts["bookings"] = 1
        counts[f"bookingsByHour.{hour}"] = 1
        counts[f"bookingsByLead.{facts.lead_time}"] = 1
    covers_paths: tuple[str, ...] = ()
    if facts.outcome is BookingOutcome.ATTENDING:
        covers_paths = ("covers", f"coversByHour.{hour}")
        size = UNKNOWN_BUCKET
        if facts.party_size is not None:
            size = f"{min(facts.party_size, MAX_COUNTED_PARTY_SIZE):02}"
        counts[f"partiesBySize.{size}"] = 1
        if is_walk_in:
            counts["walkIns"] = 1
    elif not is_walk_in:
        # A walk-in who left without a table is neither a visit nor a broken booking.
        is_cancelled = facts.outcome is BookingOutcome.CANCELLED
        covers_paths = ("cancelledCovers",) if is_cancelled else ("noShowCovers",)
        counts["cancelled" if is_cancelled else "noShows"] = 1
    if facts.party_size is not None:
        counts.update(dict.fromkeys(covers_paths, facts.party_size))
    return counts


def rollup_from_document(document: Mapping[str, Any]) -> dict[ReservationSystem, RollupCounts]:
    """Restore the counts of a stored day by source; damaged parts count nothing."""
    sources = read_map(document, "sources")
    return {
        system: counts_from_map(sources[system])
        for system in ReservationSystem
        if system in sources
    }


def counts_from_map(stored: object) -> RollupCounts:
    """Restore the counts of one source of a stored day."""
    flat = flatten_document(stored) if isinstance(stored, Mapping) else {}
    # A value of another type was edited by hand; a bool is an int, too.
    return Counter({name: count for name, count in flat.items() if type(count) is int})


def sum_counts(counts: Iterable[RollupCounts]) -> RollupCounts:
    """Add up counts of any days and sources."""
    total: RollupCounts = Counter()
    for each in counts:
        total.update(each)
    return total


# Local date to the counts of each source; a missing date was never counted.
AnalyticsDays = Mapping[str, Mapping[ReservationSystem, RollupCounts]]

HOUR_BUCKETS = [*(f"{hour:02}" for hour in range(24)), UNKNOWN_BUCKET]
PARTY_SIZE_BUCKETS = [
    *(f"{size:02}" for size in range(1, MAX_COUNTED_PARTY_SIZE + 1)),
    UNKNOWN_BUCKET,
]
_BREAKDOWN_COLUMNS: dict[str, tuple[str, list[str]]] = {
    "bookings_hour": ("bookingsByHour", HOUR_BUCKETS),
    "covers_hour": ("coversByHour", HOUR_BUCKETS),
    "bookings_lead": ("bookingsByLead", [*LeadTimeBucket]),
    "parties_size": ("partiesBySize", PARTY_SIZE_BUCKETS),
}

# Column of the CSV to path of its count.
_COLUMNS = {
    "bookings": "bookings",
    "cancelled": "cancelled",
    "no_shows": "noShows",
    "walk_ins": "walkIns",
    "covers": "covers",
    "cancelled_covers": "cancelledCovers",
    "no_show_covers": "noShowCovers",
} | {
    f"{column}_{key.lower()}": f"{path}.{key}"
    for column, (path, keys) in _BREAKDOWN_COLUMNS.items()
    for key in keys
}
CSV_HEADER = ("date", "source", "parties", *_COLUMNS)


class AnalyticsSummary(Struct, frozen=True):
    """The counts of several days.

    Attributes:
        by_weekday: Totals by ISO weekday, 1 for Monday; only weekdays with a counted day.
        past_counts: Totals of the days before today, since a no-show is final only then.
    """

    counts: RollupCounts
    by_weekday: Mapping[int, RollupCounts]
    past_counts: RollupCounts

    @property
    def cancellation_rate(self) -> float | None:
        """Share of bookings cancelled; None without bookings."""
        return _ratio(self.counts["cancelled"], self.counts["bookings"])

    @property
    def no_show_rate(self) -> float | None:
        """Share of past, not cancelled bookings without a visit; None without such bookings."""
        return _ratio(
            self.past_counts["noShows"],
            self.past_counts["bookings"] - self.past_counts["cancelled"],
        )


def _ratio(part: int, total: int) -> float | None:
    return round(part / total, 4) if total else None


def summarize(
    days: AnalyticsDays, systems: Iterable[ReservationSystem], today: str
) -> AnalyticsSummary:
    """Sum the counts of the given sources; ``today`` is the restaurant's local date."""
    selected = set(systems)
    by_day = {
        day: sum_counts(counts for system, counts in sources.items() if system in selected)
        for day, sources in days.items()
    }
    by_weekday: defaultdict[int, RollupCounts] = defaultdict(Counter)
    for day, counts in by_day.items():
        by_weekday[date.fromisoformat(day).isoweekday()].update(counts)
    return AnalyticsSummary(
        counts=sum_counts(by_day.values()),
        by_weekday=dict(sorted(by_weekday.items())),
        past_counts=sum_counts(counts for day, counts in by_day.items() if day < today),
    )


def count_parties(counts: RollupCounts) -> int:
    """Return the number of parties attended or still expected, walk-ins included."""
    return counts["bookings"] - counts["cancelled"] - counts["noShows"] + counts["walkIns"]


def list_missing_spans(dates: Iterable[str], days: AnalyticsDays) -> list[tuple[str, str]]:
    """Return the first and last of each span of consecutive dates without counts."""
    runs = groupby(dates, lambda day: day in days)
    spans = [list(run) for is_counted, run in runs if not is_counted]
    return [(span[0], span[-1]) for span in spans]


def format_analytics_csv(days: AnalyticsDays) -> str:
    r"""Format the days as RFC 4180 CSV, with a header and ``\r\n`` after each line."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(CSV_HEADER)
    for day in sorted(days):
        for system, counts in sorted(days[day].items()):
            # Only dates, our own source names and whole numbers: no cell can be a formula.
            cells = (counts[path] for path in _COLUMNS.values())
            rows.writerow((day, system.value, count_parties(counts), *cells))
    return text.getvalue()
