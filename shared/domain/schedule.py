"""When a restaurant is polled, and which days a scheduled reconciliation compares.

The scheduler calls the poll every `POLL_INTERVAL`. A restaurant with working webhooks and without
changes is polled less often. A reconciliation compares the near days every hour, and all days every
night.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.days import DateWindow, resolve_window
from shared.domain.health import has_proven_webhooks
from shared.domain.validation import read_map, read_run_time

POLL_INTERVAL = timedelta(minutes=15)
# The scheduler's calls are not exactly one interval apart.
_POLL_INTERVAL_TOLERANCE = timedelta(minutes=1)

# The local time of the nightly reconciliation: no restaurant is busy.
_NIGHTLY_HOUR = 3
# Without recent polls, only the reconciliation finds the changes of later days.
_MAX_CURSOR_AGE = timedelta(hours=1)


def is_poll_due(document: Mapping[str, Any], now: datetime, quiet_interval: timedelta) -> bool:
    """Return whether a call of the scheduler must poll the restaurant of a settings document.

    It may wait for the next call if its last poll found nothing, its webhooks are proven to work,
    and nothing else waits for a poll.

    Args:
        quiet_interval: The longest time between two polls.
    """
    poll = read_map(document, "poll")
    started_at, updated_at = poll.get("lastStartedAt"), document.get("updatedAt")
    if not isinstance(started_at, datetime) or started_at > now:
        return True
    # Wait only if the next call comes before the interval ends.
    if now - started_at + POLL_INTERVAL >= quiet_interval + _POLL_INTERVAL_TOLERANCE:
        return True
    backfill_status = read_map(document, "backfill").get("status")
    guests_retry_at = read_map(document, "guestFailures").get("retryAt")
    has_work = (
        backfill_status == "RUNNING"
        or (isinstance(guests_retry_at, datetime) and guests_retry_at <= now)
        # The settings changed, so the poll may see other rows.
        or (isinstance(updated_at, datetime) and updated_at >= started_at)
    )
    found_nothing = poll.get("lastOutcome") == "ok" and poll.get("foundChanges") is False
    if has_work or not found_nothing or poll_cursor_from_document(document, now) is None:
        return True
    return not has_proven_webhooks(document, now)


def resolve_scheduled_window(
    document: Mapping[str, Any], zone: ZoneInfo, now: datetime, near_days_ahead: int
) -> DateWindow:
    """Return the days to compare: yesterday to `near_days_ahead`, or to 30 days ahead.

    Args:
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
    state = read_map(document, "reconciliation")
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


def poll_cursor_from_document(document: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the time up to which the restaurant was polled; None before its first poll.

    A damaged cursor counts as none: the next poll starts from the beginning and misses nothing.
    """
    poll, rid = read_map(document, "poll"), document.get("restaurantId")
    cursor = read_run_time(poll, "cursor", now)
    # The cursor of another rid would skip this restaurant's earlier changes. A cursor without a rid
    # belongs to the rid of the settings.
    return cursor if poll.get("rid", rid) == rid else None


def poll_cursor_to_map(rid: str, cursor: datetime) -> dict[str, Any]:
    """Return the fields of ``poll`` for a cursor: the time before the first request of a poll."""
    return {"rid": rid, "cursor": cursor}
