"""Summarize roll-ups: totals, rates, weekdays, missing days, and CSV for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct

from shared.domain.analytics.rollup import (
    MAX_COUNTED_PARTY_SIZE,
    UNKNOWN_BUCKET,
    LeadTimeBucket,
    RollupCounts,
    sum_counts,
)
from shared.domain.normalization.identifiers import ReservationSystem

# Local date to the counts of each source; a missing date was never counted.
AnalyticsDays = Mapping[str, Mapping[ReservationSystem, RollupCounts]]

# First and last of consecutive dates, both inclusive.
DateSpan = tuple[str, str]

_TOTAL_COLUMNS = {
    "bookings": "bookings",
    "cancelled": "cancelled",
    "no_shows": "noShows",
    "walk_ins": "walkIns",
    "covers": "covers",
    "cancelled_covers": "cancelledCovers",
    "no_show_covers": "noShowCovers",
}
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
_COLUMNS = _TOTAL_COLUMNS | {
    f"{column}_{key.lower()}": f"{path}.{key}"
    for column, (path, keys) in _BREAKDOWN_COLUMNS.items()
    for key in keys
}
CSV_HEADER = ("date", "source", "parties", *_COLUMNS)


class AnalyticsSummary(Struct, frozen=True):
    """The counts of several days.

    Attributes:
        counts: Totals of all days.
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
    weekdays = {day: date.fromisoformat(day).isoweekday() for day in by_day}
    return AnalyticsSummary(
        counts=sum_counts(by_day.values()),
        by_weekday={
            weekday: sum_counts(by_day[day] for day in by_day if weekdays[day] == weekday)
            for weekday in sorted(set(weekdays.values()))
        },
        past_counts=sum_counts(counts for day, counts in by_day.items() if day < today),
    )


def count_parties(counts: RollupCounts) -> int:
    """Return the number of parties attended or still expected, walk-ins included."""
    return counts["bookings"] - counts["cancelled"] - counts["noShows"] + counts["walkIns"]


def list_missing_spans(dates: Iterable[str], days: AnalyticsDays) -> list[DateSpan]:
    """Return the dates without counts, consecutive ones as one span.

    Args:
        dates: Consecutive dates.
    """
    spans: list[DateSpan] = []
    is_adjacent = False
    for day in dates:
        is_missing = day not in days
        if is_missing and is_adjacent:
            spans[-1] = (spans[-1][0], day)
        elif is_missing:
            spans.append((day, day))
        is_adjacent = is_missing
    return spans


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
