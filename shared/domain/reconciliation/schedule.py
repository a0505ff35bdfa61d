"""The window of a scheduled reconciliation: the near days every hour, all days every night."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.backfill import DateWindow, resolve_window
from shared.domain.polling import poll_cursor_from_document, read_run_state

# The local time of the nightly reconciliation: no restaurant is busy.
_NIGHTLY_HOUR = 3
# Without recent polls, the reconciliation alone finds the changes of later days.
_MAX_CURSOR_AGE = timedelta(hours=1)


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
    state, cursor = read_run_state(document, "reconciliation"), poll_cursor_from_document(document)
    completed_at = state.get("lastFullAt")
    if not isinstance(completed_at, datetime) or state.get("timeZone") != zone.key:
        return True
    if cursor is None or now - cursor > _MAX_CURSOR_AGE:
        return True
    local_now = now.astimezone(zone)
    night = local_now.replace(hour=_NIGHTLY_HOUR, minute=0, second=0, microsecond=0)
    if night > local_now:
        night -= timedelta(days=1)
    return completed_at < night
