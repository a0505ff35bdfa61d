"""Windows of a restaurant's dates: of a request, of a backfill and of a scheduled reconciliation.

A scheduled reconciliation compares the near days every hour, and all days every night.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.polling import poll_cursor_from_document, read_run_state, read_run_time

DEFAULT_DAYS_BACK = 1
DEFAULT_DAYS_AHEAD = 30
MAX_WINDOW_DAYS = 400

BACKFILL_DAYS_BACK = 30
BACKFILL_DAYS_AHEAD = 365

# The local time of the nightly reconciliation: no restaurant is busy.
_NIGHTLY_HOUR = 3
# Without recent polls, only the reconciliation finds the changes of later days.
_MAX_CURSOR_AGE = timedelta(hours=1)


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
        now: The current time, UTC.
        zone: The restaurant's time zone.
        start: The requested start; by default counted from today, or the end if earlier.
        end: The requested end; by default counted from today, or the start if later.
        default_range: Days before and after today.

    Raises:
        ValueError: The end is before the start or too far after it.
    """
    today, (days_back, days_ahead) = now.astimezone(zone).date(), default_range
    first = start or min(today - timedelta(days=days_back), end or today)
    return DateWindow(first, end or max(today + timedelta(days=days_ahead), first))


def resolve_backfill_window(
    now: datetime, zone: ZoneInfo, start: date | None, end: date | None
) -> DateWindow:
    """Return the requested days; by default from 30 days back to 365 ahead."""
    return resolve_window(now, zone, start, end, (BACKFILL_DAYS_BACK, BACKFILL_DAYS_AHEAD))


def resolve_scheduled_window(
    document: Mapping[str, Any], zone: ZoneInfo, now: datetime, near_days_ahead: int
) -> DateWindow:
    """Return the days to compare: yesterday to `near_days_ahead`, or to 30 days ahead.

    Args:
        document: The settings document, with the state of earlier runs.
        zone: The restaurant's time zone.
        now: The current time, UTC.
        near_days_ahead: The last day of an hourly run, in days from today.
    """
    full = resolve_window(now, zone, None, None)
    if _needs_full_window(document, zone, now):
        return full
    last_near_day = now.astimezone(zone).date() + timedelta(days=near_days_ahead)
    return DateWindow(full.start, min(last_near_day, full.end))


def covers_full_window(window: DateWindow, zone: ZoneInfo, now: datetime) -> bool:
    """Return whether a window contains every day of the nightly reconciliation."""
    full = resolve_window(now, zone, None, None)
    return window.start <= full.start and window.end >= full.end


def _needs_full_window(document: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> bool:
    """Whether tonight's reconciliation of all days is due, or the polls leave gaps.

    A held or failed one remains due, so its report stays the newest until it is resolved.
    """
    state = read_run_state(document, "reconciliation")
    cursor = poll_cursor_from_document(document, now)
    completed_at = read_run_time(state, "lastFullAt", now)
    if completed_at is None or state.get("timeZone") != zone.key:
        return True
    if cursor is None or now - cursor > _MAX_CURSOR_AGE:
        return True
    local_now = now.astimezone(zone)
    night = local_now.replace(hour=_NIGHTLY_HOUR, minute=0, second=0, microsecond=0)
    if night > local_now:
        night -= timedelta(days=1)
    return completed_at < night
