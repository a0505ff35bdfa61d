"""The days that a reconciliation compares or a backfill fetches, by the restaurant's calendar.

A backfill: a range of scheduled dates, fetched slice by slice and resumed where it stopped.

Slices tile the range from its first day on. After the last one comes a *closing* listing of all
that changed since the backfill began, so that what moved from a slice yet to come into one that
was done already is held too.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace

from shared.errors import BackfillInProgressError

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


BACKFILL_DAYS_BACK = 30
BACKFILL_DAYS_AHEAD = 365
SLICE_DAYS = 7
ROW_COUNTERS = ("fetched", "created", "updated", "unchanged", "stale", "quarantined")
_ONE_DAY = timedelta(days=1)


class BackfillStatus(StrEnum):
    """How far a restaurant's backfill is."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Backfill(Struct, frozen=True):
    """A restaurant's one backfill, as far as it has come.

    Attributes:
        window: Its days.
        rid: OpenTable's number for the restaurant whose book it reads.
        started_at: When it was asked for, UTC.
        updated_at: When it last made progress or failed, UTC.
        next_date: The first day that is not done; beyond the window once all are.
        status: Whether it goes on.
        finished_at: When it was completed, UTC.
        worked_seconds: How long its slices took together.
        counts: What became of the rows, by the names of `ROW_COUNTERS`.
        error: What last stood in its way, in words.
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
        """Whether it goes on by itself."""
        return self.status is BackfillStatus.RUNNING

    @property
    def total_days(self) -> int:
        """How many days it has."""
        return (self.window.end - self.window.start).days + 1

    @property
    def completed_days(self) -> int:
        """How many of them are done."""
        return (self.next_date - self.window.start).days

    @property
    def remaining_seconds(self) -> float | None:
        """The seconds of work left at the pace so far; None before the first slice, or at rest."""
        if not (self.is_running and self.completed_days):
            return None
        return self.worked_seconds / self.completed_days * (self.total_days - self.completed_days)

    def next_slice(self) -> DateWindow | None:
        """Return the days to fetch next; None where only the closing listing is left."""
        if self.next_date > self.window.end:
            return None
        last_date = self.next_date + timedelta(days=SLICE_DAYS - 1)
        return DateWindow(self.next_date, min(last_date, self.window.end))

    def with_progress(
        self,
        completed_slice: DateWindow | None,
        counts: Mapping[str, int],
        seconds: float,
        now: datetime,
    ) -> "Backfill":
        """Return it one step on.

        Args:
            completed_slice: The slice that was fetched and applied whole; None for the closing
                listing.
            counts: What became of its rows.
            seconds: How long that took.
            now: The time, UTC.
        """
        progress = replace(
            self,
            updated_at=now,
            worked_seconds=self.worked_seconds + seconds,
            counts={name: self.counts[name] + counts[name] for name in ROW_COUNTERS},
            error=None,
        )
        if completed_slice is not None:
            return replace(progress, next_date=completed_slice.end + _ONE_DAY)
        return replace(progress, status=BackfillStatus.COMPLETED, finished_at=now)

    def with_error(self, error: str, now: datetime, *, is_permanent: bool) -> "Backfill":
        """Return it with what stands in its way.

        Args:
            error: In words that say what to do.
            now: The time, UTC.
            is_permanent: Whether somebody must mend something first; else the next run tries again.
        """
        status = BackfillStatus.FAILED if is_permanent else self.status
        return replace(self, status=status, error=error, updated_at=now)

    def resume(self, now: datetime) -> "Backfill":
        """Return a failed one as it goes on from where it stopped."""
        return replace(self, status=BackfillStatus.RUNNING, error=None, updated_at=now)

    def to_update_fields(self) -> dict[str, Any]:
        """Return it as fields of the settings document, by dotted path."""
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
    """Read it back from a settings document; None where there never was one."""
    stored = document.get("backfill") or {}
    if "status" not in stored:
        return None
    return Backfill(
        window=DateWindow(
            date.fromisoformat(stored["startDate"]), date.fromisoformat(stored["endDate"])
        ),
        rid=stored["rid"],
        started_at=stored["startedAt"],
        updated_at=stored["updatedAt"],
        next_date=date.fromisoformat(stored["nextDate"]),
        status=BackfillStatus(stored["status"]),
        finished_at=stored["finishedAt"],
        worked_seconds=stored["workedSeconds"],
        counts={name: stored[name] for name in ROW_COUNTERS},
        error=stored["error"],
    )


def is_backfilling(document: Mapping[str, Any]) -> bool:
    """Whether a settings document tells of a backfill that goes on."""
    return (document.get("backfill") or {}).get("status") == BackfillStatus.RUNNING


def new_backfill(window: DateWindow, rid: str, now: datetime) -> Backfill:
    """Return a backfill of which nothing is done yet."""
    return Backfill(window, rid, started_at=now, updated_at=now, next_date=window.start)


def resolve_backfill_request(
    existing: Backfill | None, requested: Backfill, *, accept_any_dates: bool
) -> Backfill:
    """Return which backfill stands once somebody has asked for one.

    One that failed goes on from where it stopped where the same days are asked for, or any.

    Args:
        existing: The newest so far, None where there never was one.
        requested: The one asked for, of which nothing is done.
        accept_any_dates: Whether no days were asked for, so that those of an unfinished one will
            do.

    Raises:
        BackfillUnderWayError: When one of other days is under way.
    """
    if existing is None or existing.finished_at is not None or existing.rid != requested.rid:
        return requested
    if accept_any_dates or existing.window == requested.window:
        return existing if existing.is_running else existing.resume(requested.started_at)
    if existing.is_running:
        raise BackfillInProgressError(
            f"A backfill from {existing.window.start} to {existing.window.end} is under way: "
            "wait for its end, or ask for the same dates."
        )
    return requested


def resolve_backfill_window(
    now: datetime, zone: ZoneInfo, start: date | None, end: date | None
) -> DateWindow:
    """Return the requested days; by default from 30 days back to 365 ahead."""
    return resolve_window(
        now, zone, start, end, days_back=BACKFILL_DAYS_BACK, days_ahead=BACKFILL_DAYS_AHEAD
    )
