"""The days that a reconciliation compares or a backfill fetches, by the restaurant's calendar."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

DAYS_BACK = 1
DAYS_AHEAD = 30
MOST_DAYS = 400


class Window(Struct, frozen=True):
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


def window_at(  # noqa: PLR0913 -- what is asked for, and what stands in for it
    now: datetime,
    zone: ZoneInfo,
    start: date | None,
    end: date | None,
    *,
    back: int = DAYS_BACK,
    ahead: int = DAYS_AHEAD,
) -> Window:
    """Return the window asked for; by default from yesterday to 30 days ahead.

    Args:
        now: The current time, UTC.
        zone: The restaurant's zone.
        start: The first date asked for.
        end: The last date asked for.
        back: How many days before today it begins where no start is asked for.
        ahead: How many days after today it ends where no end is asked for.

    Raises:
        ValueError: When the window is turned round or too large.
    """
    today = now.astimezone(zone).date()
    first = start or min(today - timedelta(days=back), end or today)
    return Window(first, end or max(today + timedelta(days=ahead), first))
