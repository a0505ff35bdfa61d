"""The service day: a day of reservations that ends at night, after the last guests.

A reservation after midnight belongs to the evening before. Each reservation belongs to exactly one
service day. The stored `localDate` and the analytics stay with the calendar.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.normalization.field_values import format_utc

_ONE_DAY = timedelta(days=1)


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
        try:
            return format_utc(datetime.combine(self.date, self.ends_at, self.zone))
        except OverflowError:
            return ""  # before the first UTC time of the calendar

    def next(self) -> "ServiceDay":
        """Return the next service day; the last day of the calendar is its own next one."""
        return ServiceDay(min(self.date, date.max - _ONE_DAY) + _ONE_DAY, self.ends_at, self.zone)

    def previous(self) -> "ServiceDay":
        """Return the service day before; the first day of the calendar is its own."""
        return ServiceDay(max(self.date, date.min + _ONE_DAY) - _ONE_DAY, self.ends_at, self.zone)

    def starts_after(self, start_at: object) -> bool:
        """Whether a stored `startAt` of this date belongs to the evening before."""
        return isinstance(start_at, str) and start_at < self.start_text


class DayVersions(Struct, frozen=True):
    """The documents of a service day at one moment.

    Attributes:
        parts: For each query, the documents' ids and the times of their last writes.
        resume_token: Firestore's name of the moment.
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
