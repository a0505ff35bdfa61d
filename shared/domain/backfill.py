"""The state of a backfill: a window of dates, fetched in slices and resumable.

After the last slice comes one listing of all changes since the start of the backfill. It catches
reservations moved from a later slice into a completed one.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.days import DateWindow
from shared.domain.validation import EARLIEST_RUN, MAX_COUNT, is_count, read_map
from shared.errors import BackfillInProgressError

SLICE_DAYS = 7
ROW_COUNTERS = ("fetched", "created", "updated", "unchanged", "stale", "quarantined")


class BackfillStatus(StrEnum):
    """The progress of a backfill."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Backfill(Struct, frozen=True):
    """The state of a restaurant's backfill; a restaurant has at most one.

    Attributes:
        started_at: Time of the request, UTC.
        updated_at: Time of the last progress or failure, UTC.
        next_date: First day not fetched yet; after the window once all are.
        finished_at: Time of completion, UTC.
        worked_seconds: Total duration of all slices.
        counts: Number of rows by result, with the keys of `ROW_COUNTERS`.
        error: The last error, for people; None after progress.
    """

    window: DateWindow
    rid: str
    started_at: datetime
    updated_at: datetime
    next_date: date
    status: BackfillStatus = BackfillStatus.RUNNING
    finished_at: datetime | None = None
    worked_seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ROW_COUNTERS, 0))
    error: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether the next poll continues it."""
        return self.status is BackfillStatus.RUNNING

    @property
    def total_days(self) -> int:
        """Number of days to fetch."""
        return (self.window.end - self.window.start).days + 1

    @property
    def completed_days(self) -> int:
        """Number of days fetched."""
        return (self.next_date - self.window.start).days

    @property
    def remaining_seconds(self) -> float | None:
        """Remaining work at the average pace; None before the first slice or if not running."""
        if not (self.is_running and self.completed_days):
            return None
        return self.worked_seconds / self.completed_days * (self.total_days - self.completed_days)

    def next_slice(self) -> DateWindow | None:
        """Return the days to fetch next; None if only the final listing is left."""
        if self.next_date > self.window.end:
            return None
        further_days = min(SLICE_DAYS - 1, (self.window.end - self.next_date).days)
        return DateWindow(self.next_date, self.next_date + timedelta(days=further_days))

    def with_progress(
        self,
        completed_slice: DateWindow | None,
        counts: Mapping[str, int],
        seconds: float,
        now: datetime,
    ) -> "Backfill":
        """Return the state after a slice.

        Args:
            completed_slice: The fetched and applied days; None for the final listing.
        """
        progress = replace(
            self,
            updated_at=now,
            worked_seconds=self.worked_seconds + seconds,
            counts={name: self.counts[name] + counts[name] for name in ROW_COUNTERS},
            error=None,
        )
        if completed_slice is not None:
            return replace(progress, next_date=completed_slice.end + timedelta(days=1))
        return replace(progress, status=BackfillStatus.COMPLETED, finished_at=now)

    def with_error(self, error: str, now: datetime, *, is_permanent: bool) -> "Backfill":
        """Return the state after an error; the next run retries unless the error is permanent."""
        status = BackfillStatus.FAILED if is_permanent else self.status
        return replace(self, status=status, error=error, updated_at=now)

    def to_update_fields(self) -> dict[str, Any]:
        """Return the state as fields of the settings document, by dotted path."""
        fields = {
            "startDate": self.window.start.isoformat(),
            "endDate": self.window.end.isoformat(),
            "rid": self.rid,
            "startedAt": self.started_at,
            "updatedAt": self.updated_at,
            "nextDate": self.next_date.isoformat(),
            "status": self.status.value,
            "finishedAt": self.finished_at,
            "workedSeconds": self.worked_seconds,
            "error": self.error,
            **self.counts,
        }
        return {f"backfill.{name}": value for name, value in fields.items()}


def backfill_from_document(document: Mapping[str, Any]) -> Backfill | None:
    """Restore the backfill from a settings document; None if there is none.

    A damaged state counts as none: a person starts the backfill again, and no row is lost.
    """
    stored = read_map(document, "backfill")
    seconds, counts = stored.get("workedSeconds"), [stored.get(name) for name in ROW_COUNTERS]
    has_numbers = isinstance(seconds, int | float) and 0 <= seconds <= MAX_COUNT
    # The map may exist without a backfill: a lease is stored in it, too.
    if not has_numbers or not all(map(is_count, counts)):
        return None
    try:
        backfill = Backfill(
            window=DateWindow(
                date.fromisoformat(stored["startDate"]), date.fromisoformat(stored["endDate"])
            ),
            rid=str(stored["rid"]),
            started_at=stored["startedAt"],
            updated_at=stored["updatedAt"],
            next_date=date.fromisoformat(stored["nextDate"]),
            status=BackfillStatus(stored["status"]),
            finished_at=stored["finishedAt"],
            worked_seconds=stored["workedSeconds"],
            counts={name: stored[name] for name in ROW_COUNTERS},
            error=None if stored["error"] is None else str(stored["error"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    times: tuple[object, ...] = (
        backfill.started_at,
        backfill.updated_at,
        backfill.finished_at or backfill.updated_at,
    )
    # Days outside the window would be fetched one week at a time, for years.
    is_possible = (
        0 <= backfill.completed_days <= backfill.total_days
        and backfill.window.end < date.max  # the slices end on the next day
        and all(isinstance(at, datetime) and at >= EARLIEST_RUN for at in times)
    )
    return backfill if is_possible else None


def is_backfilling(document: Mapping[str, Any]) -> bool:
    """Return whether a settings document has a running backfill."""
    backfill = backfill_from_document(document)
    return backfill is not None and backfill.is_running


def build_backfill(window: DateWindow, rid: str, now: datetime) -> Backfill:
    """Return the state of a new backfill."""
    return Backfill(window, rid, started_at=now, updated_at=now, next_date=window.start)


def resolve_backfill_request(
    existing: Backfill | None, requested: Backfill, *, accept_any_dates: bool
) -> Backfill:
    """Return the backfill to continue after a request: the unfinished one or the requested one.

    Args:
        requested: The requested backfill, without progress.
        accept_any_dates: Continue an unfinished backfill of other dates: none were requested.

    Raises:
        BackfillInProgressError: A backfill of other dates is running.
    """
    if existing is None or existing.finished_at is not None or existing.rid != requested.rid:
        return requested
    if accept_any_dates or existing.window == requested.window:
        if existing.is_running:
            return existing
        # A failed backfill resumes at its next day.
        now = requested.started_at
        return replace(existing, status=BackfillStatus.RUNNING, error=None, updated_at=now)
    if existing.is_running:
        raise BackfillInProgressError(
            f"A backfill from {existing.window.start} to {existing.window.end} is in progress: "
            "wait until it completes, or request the same dates."
        )
    return requested
