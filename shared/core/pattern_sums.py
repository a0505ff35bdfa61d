"""Some days' patterns as one: sums, rates, the shape of the week, and which days are absent."""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct

from shared.core.patterns import RollupCounts, sum_counts
from shared.core.system import ReservationSystem

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
