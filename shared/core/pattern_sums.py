"""Some days' patterns as one: sums, rates, the shape of the week, and which days are absent."""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct

from shared.core.patterns import Counts, summed
from shared.core.system import System

Days = Mapping[str, Mapping[System, Counts]]
"""Local date to the counts of each source; a date that is not in it was never counted."""

Span = tuple[str, str]
"""The first and the last of some dates that follow each other, both inclusive."""


class Sums(Struct, frozen=True):
    """The sums of some days' counts.

    Attributes:
        counts: Of all of them.
        weekly: The same by ISO weekday, 1 for Monday to 7; a weekday of which no day was counted
            is not in it.
        gone: Of the days before today alone: nobody can have stayed away from the others yet.
    """

    counts: Counts
    weekly: Mapping[int, Counts]
    gone: Counts

    @property
    def cancellation_rate(self) -> float | None:
        """Which share of the bookings was cancelled; None where there is none."""
        return _share(self.counts["cancelled"], self.counts["bookings"])

    @property
    def no_show_rate(self) -> float | None:
        """Which share of the bookings that were due, and stood, did not come; None for none."""
        return _share(self.gone["noShows"], self.gone["bookings"] - self.gone["cancelled"])


def sums(days: Days, systems: Iterable[System], today: str) -> Sums:
    """Return the sums over some days.

    Args:
        days: The days.
        systems: The sources that are summed.
        today: The restaurant's local date, ``YYYY-MM-DD``.
    """
    wanted = set(systems)
    by_day = {
        day: summed(counts for system, counts in sources.items() if system in wanted)
        for day, sources in days.items()
    }
    weekdays = {day: date.fromisoformat(day).isoweekday() for day in by_day}
    return Sums(
        summed(by_day.values()),
        {
            weekday: summed(by_day[day] for day, each in weekdays.items() if each == weekday)
            for weekday in sorted(set(weekdays.values()))
        },
        summed(counts for day, counts in by_day.items() if day < today),
    )


def parties(counts: Counts) -> int:
    """Return how many parties come or came, walk-ins included."""
    return counts["bookings"] - counts["cancelled"] - counts["noShows"] + counts["walkIns"]


def absent(wanted: Iterable[str], days: Days) -> list[Span]:
    """Return the dates that were never counted, those that follow each other as one span.

    Args:
        wanted: Dates that follow each other.
        days: What was counted.
    """
    spans: list[Span] = []
    follows = False
    for day in wanted:
        if day not in days:
            first = spans.pop()[0] if follows else day
            spans.append((first, day))
        follows = day not in days
    return spans


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
