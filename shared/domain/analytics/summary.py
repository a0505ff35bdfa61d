"""Some days' patterns as one: sums, rates, the shape of the week, and which days are absent.

Patterns as CSV for a spreadsheet: a row for each day and source, a column for each count.
"""

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

AnalyticsDays = Mapping[str, Mapping[ReservationSystem, RollupCounts]]


"""Local date to the counts of each source; a date that is not in it was never counted."""


DateSpan = tuple[str, str]


"""The first and the last of some dates that follow each other, both inclusive."""


class AnalyticsSummary(Struct, frozen=True):
    """The sums of some days' counts.

    Attributes:
        counts: Of all of them.
        by_weekday: The same by ISO weekday, 1 for Monday to 7; a weekday of which no day was
            counted
            is not in it.
        past_counts: Of the days before today alone: nobody can have stayed away from the others
            yet.
    """

    counts: RollupCounts
    by_weekday: Mapping[int, RollupCounts]
    past_counts: RollupCounts

    @property
    def cancellation_rate(self) -> float | None:
        """Which share of the bookings was cancelled; None where there is none."""
        return _ratio(self.counts["cancelled"], self.counts["bookings"])

    @property
    def no_show_rate(self) -> float | None:
        """Which share of the bookings that were due, and stood, did not come; None for none."""
        return _ratio(
            self.past_counts["noShows"],
            self.past_counts["bookings"] - self.past_counts["cancelled"],
        )


def summarize(
    days: AnalyticsDays, systems: Iterable[ReservationSystem], today: str
) -> AnalyticsSummary:
    """Return the sums over some days.

    Args:
        days: The days.
        systems: The sources that are summed.
        today: The restaurant's local date, ``YYYY-MM-DD``.
    """
    selected = set(systems)
    by_day = {
        day: sum_counts(counts for system, counts in sources.items() if system in selected)
        for day, sources in days.items()
    }
    weekdays = {day: date.fromisoformat(day).isoweekday() for day in by_day}
    return AnalyticsSummary(
        sum_counts(by_day.values()),
        {
            weekday: sum_counts(
                by_day[day] for day, each_weekday in weekdays.items() if each_weekday == weekday
            )
            for weekday in sorted(set(weekdays.values()))
        },
        sum_counts(counts for day, counts in by_day.items() if day < today),
    )


def count_parties(counts: RollupCounts) -> int:
    """Return how many parties come or came, walk-ins included."""
    return counts["bookings"] - counts["cancelled"] - counts["noShows"] + counts["walkIns"]


def missing_spans(dates: Iterable[str], days: AnalyticsDays) -> list[DateSpan]:
    """Return the dates that were never counted, those that follow each other as one span.

    Args:
        dates: Dates that follow each other.
        days: What was counted.
    """
    spans: list[DateSpan] = []
    is_adjacent = False
    for day in dates:
        if day not in days:
            first = spans.pop()[0] if is_adjacent else day
            spans.append((first, day))
        is_adjacent = day not in days
    return spans


def _ratio(part: int, total: int) -> float | None:
    return round(part / total, 4) if total else None


_TOTAL_COLUMNS = {
    "bookings": "bookings",
    "cancelled": "cancelled",
    "no_shows": "noShows",
    "walk_ins": "walkIns",
    "covers": "covers",
    "cancelled_covers": "cancelledCovers",
    "no_show_covers": "noShowCovers",
}

_HOURS = [*(f"{hour:02}" for hour in range(24)), UNKNOWN_BUCKET]
_PARTY_SIZES = [*(f"{size:02}" for size in range(1, MAX_COUNTED_PARTY_SIZE + 1)), UNKNOWN_BUCKET]

_BREAKDOWN_COLUMNS: dict[str, tuple[str, list[str]]] = {
    "bookings_hour": ("bookingsByHour", _HOURS),
    "covers_hour": ("coversByHour", _HOURS),
    "bookings_lead": ("bookingsByLead", [*LeadTimeBucket]),
    "parties_size": ("partiesBySize", _PARTY_SIZES),
}

_COLUMNS = _TOTAL_COLUMNS | {
    f"{column}_{key.lower()}": f"{path}.{key}"
    for column, (path, keys) in _BREAKDOWN_COLUMNS.items()
    for key in keys
}


"""Each column of counts, and the path of its count."""


CSV_HEADER = ("date", "source", "parties", *_COLUMNS)


def format_analytics_csv(days: AnalyticsDays) -> str:
    r"""Return the days by RFC 4180, with a header and ``\r\n`` after each line.

    Every cell is a date, a source of ours or a whole number of at least 0, so none can be taken
    for a formula or needs quotes.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(CSV_HEADER)
    for day in sorted(days):
        for system, counts in sorted(days[day].items()):
            rows.writerow((day, system.value, count_parties(counts), *_list_counts(counts)))
    return text.getvalue()


def _list_counts(counts: RollupCounts) -> list[int]:
    return [counts[path] for path in _COLUMNS.values()]
