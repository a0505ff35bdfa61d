"""Read the state of earlier runs from a restaurant's settings document.

Each kind of run has a map there. A person may edit the document by hand: a damaged value counts as
missing, and the next run replaces it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from shared.domain.validation import read_map

# Between two instances.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)
# Above every real count, and small enough to add to it.
MAX_COUNT = 10**15
# Before the first run of any restaurant.
EARLIEST_RUN = datetime(2000, 1, 1, tzinfo=UTC)


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


def read_run_time(state: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """Return a time of an earlier run, None if it is missing or impossible.

    A time in the future, edited by hand, would postpone the next run until then.
    """
    at = state.get(name)
    is_possible = isinstance(at, datetime) and EARLIEST_RUN <= at <= now + MAX_CLOCK_DIFFERENCE
    return at if is_possible else None


def read_count(state: Mapping[str, Any], name: str) -> int:
    """Return a count of a run's state, 0 if it is missing or impossible."""
    count = state.get(name)
    return count if is_count(count) else 0


def is_count(value: object) -> TypeGuard[int]:
    """Return whether a stored value is a possible count."""
    return isinstance(value, int) and 0 <= value <= MAX_COUNT
