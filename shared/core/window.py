"""The days that a reconciliation compares, as the restaurant's calendar has them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS_BACK = 1
DAYS_AHEAD = 30
MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Window:
    """Local dates, both inclusive."""

    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a window that is turned round or larger than `MOST_DAYS`.

        Raises:
            ValueError: In words for the caller.
        """
        if not timedelta(0) <= self.end - self.start <= timedelta(days=MOST_DAYS):
            raise ValueError(f"endDate must be startDate or up to {MOST_DAYS} days after it")

    def days(self) -> list[str]:
        """Return its dates, ``YYYY-MM-DD``, the first first."""
        length = (self.end - self.start).days + 1
        return [(self.start + timedelta(days=n)).isoformat() for n in range(length)]


def window_at(now: datetime, zone: ZoneInfo, start: date | None, end: date | None) -> Window:
    """Return the window asked for; by default from yesterday to 30 days ahead.

    Args:
        now: The current time, UTC.
        zone: The restaurant's zone.
        start: The first date asked for.
        end: The last date asked for.

    Raises:
        ValueError: When the window is turned round or too large.
    """
    today = now.astimezone(zone).date()
    first = start or min(today - timedelta(days=DAYS_BACK), end or today)
    return Window(first, end or max(today + timedelta(days=DAYS_AHEAD), first))
