"""The days that a reconciliation compares or a backfill fetches, by the restaurant's calendar."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

DEFAULT_DAYS_BACK = 1
DEFAULT_DAYS_AHEAD = 30
MAX_WINDOW_DAYS = 400


class DateWindow(Struct, frozen=True):
    """Local dates, both inclusive."""

    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a window that is turned round or larger than `MAX_WINDOW_DAYS`.

        Raises:
            ValueError: In words for the caller.
        """
        if not timedelta(0) <= self.end - self.start <= timedelta(days=MAX_WINDOW_DAYS):
            raise ValueError(f"endDate must be startDate or up to {MAX_WINDOW_DAYS} days after it")

    def list_dates(self) -> list[str]:
        """Return its dates, ``YYYY-MM-DD``, the first first."""
        length = (self.end - self.start).days + 1
        return [(self.start + timedelta(days=n)).isoformat() for n in range(length)]


def resolve_window(  # noqa: PLR0913 -- what is asked for, and what stands in for it
    now: datetime,
    zone: ZoneInfo,
    start: date | None,
    end: date | None,
    *,
    days_back: int = DEFAULT_DAYS_BACK,
    days_ahead: int = DEFAULT_DAYS_AHEAD,
) -> DateWindow:
    """Return the window asked for; by default from yesterday to 30 days ahead.

    Args:
        now: The current time, UTC.
        zone: The restaurant's zone.
        start: The first date asked for.
        end: The last date asked for.
        days_back: How many days before today it begins where no start is asked for.
        days_ahead: How many days after today it ends where no end is asked for.

    Raises:
        ValueError: When the window is turned round or too large.
    """
    today = now.astimezone(zone).date()
    first = start or min(today - timedelta(days=days_back), end or today)
    return DateWindow(first, end or max(today + timedelta(days=days_ahead), first))
