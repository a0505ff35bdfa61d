"""A restaurant's days: windows of dates, and the service day, which ends at night.

A reservation after midnight belongs to the evening before. Each reservation belongs to exactly one
service day. The stored `localDate` and the analytics stay with the calendar.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.normalization.field_values import format_utc

DEFAULT_DAYS_BACK = 1
DEFAULT_DAYS_AHEAD = 30
MAX_WINDOW_DAYS = 400
BACKFILL_DAYS_BACK = 30
BACKFILL_DAYS_AHEAD = 365

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class DateWindow(Struct, frozen=True):
    """Local dates of a restaurant, both inclusive; at most `MAX_WINDOW_DAYS` apart.

    Raises:
        ValueError: The end is before the start or too far after it.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.end - self.start <= timedelta(days=MAX_WINDOW_DAYS):
            raise ValueError(
                "The end date must be on or after the start date, "
                f"at most {MAX_WINDOW_DAYS} days later."
            )

    def list_dates(self) -> list[str]:
        """Return the dates in order, ``YYYY-MM-DD``."""
        length = (self.end - self.start).days + 1
        return [(self.start + timedelta(days=n)).isoformat() for n in range(length)]


def resolve_window(
    now: datetime,
    zone: ZoneInfo,
    start: date | None,
    end: date | None,
    default_range: tuple[int, int] = (DEFAULT_DAYS_BACK, DEFAULT_DAYS_AHEAD),
) -> DateWindow:
    """Return the requested window.

    Args:
        start: The requested start; by default counted from today, or the end if earlier.
        end: The requested end; by default counted from today, or the start if later.
        default_range: Days before and after today.

    Raises:
        ValueError: The end is before the start, too far after it, or the calendar's last day.
    """
    today, (days_back, days_ahead) = now.astimezone(zone).date(), default_range
    first = start or min(today - timedelta(days=days_back), end or today)
    window = DateWindow(first, end or max(today + timedelta(days=days_ahead), first))
    if window.end == date.max:
        raise ValueError("The end date must have a day after it.")
    return window


def resolve_backfill_window(
    now: datetime, zone: ZoneInfo, start: date | None, end: date | None
) -> DateWindow:
    """Return the requested days; by default from 30 days back to 365 ahead."""
    return resolve_window(now, zone, start, end, (BACKFILL_DAYS_BACK, BACKFILL_DAYS_AHEAD))


class ServiceDay(Struct, frozen=True):
    """A restaurant's service day.

    Attributes:
        date: The local date on which it begins.
        ends_at: The local time at which it ends, on the next date; 00:00 is the calendar day.
    """

    date: date
    ends_at: time
    zone: ZoneInfo

    @classmethod
    def at(cls, instant: datetime, ends_at: time, zone: ZoneInfo) -> "ServiceDay":
        """Return the service day of an instant."""
        day = cls(instant.astimezone(zone).date(), ends_at, zone)
        return day.previous() if format_utc(instant) < day.start_text else day

    @property
    def start_text(self) -> str:
        """The start in the form of a stored `startAt`, which sorts like the time."""
        wall_clock = datetime.combine(self.date, self.ends_at, self.zone)
        try:
            start, other = wall_clock.astimezone(UTC), wall_clock.replace(fold=1).astimezone(UTC)
        except OverflowError:
            return ""  # before the first UTC time of the calendar
        # A time that the clocks skip has its two readings on both sides of the clock change.
        return format_utc(_find_clock_change(other, start, self.zone) if other < start else start)

    def next(self) -> "ServiceDay":
        """Return the next service day; the last day of the calendar is its own next one."""
        return ServiceDay(min(self.date, date.max - _ONE_DAY) + _ONE_DAY, self.ends_at, self.zone)

    def previous(self) -> "ServiceDay":
        """Return the service day before; the first day of the calendar is its own."""
        return ServiceDay(max(self.date, date.min + _ONE_DAY) - _ONE_DAY, self.ends_at, self.zone)

    def starts_after(self, start_at: object) -> bool:
        """Whether a stored `startAt` of this date belongs to the evening before."""
        return isinstance(start_at, str) and start_at < self.start_text


def _find_clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in whole seconds, of the one clock change between two instants."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _ONE_SECOND:
        middle = before + timedelta(seconds=(after - before) // _ONE_SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


class DayVersions(Struct, frozen=True):
    """The documents of a service day at one moment.

    Attributes:
        parts: For each query, the documents' ids and the times of their last writes.
        resume_token: Firestore's token for that moment, to ask for the changes since.
    """

    parts: tuple[dict[str, str], ...]
    resume_token: bytes


def find_service_date(
    local_date: str | None, start_at: object, ends_at: time, zone: ZoneInfo
) -> str | None:
    """Return the date of the service day of a stored reservation; None without a local date."""
    if local_date is None:
        return None
    try:
        day = ServiceDay(date.fromisoformat(local_date), ends_at, zone)
        return (day.previous() if day.starts_after(start_at) else day).date.isoformat()
    except (ValueError, OverflowError):
        return local_date  # written by another program, or at an end of the calendar
