"""A backfill: a range of scheduled dates, fetched slice by slice and resumed where it stopped.

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

from shared.core.window import Window, window_at
from shared.errors import BackfillUnderWayError

DAYS_BACK = 30
DAYS_AHEAD = 365
SLICE_DAYS = 7
COUNTS = ("fetched", "created", "updated", "unchanged", "stale", "quarantined")
_DAY = timedelta(days=1)


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
        counts: What became of the rows, by the names of `COUNTS`.
        error: What last stood in its way, in words.
    """

    window: Window
    rid: str
    started_at: datetime
    updated_at: datetime
    next_date: date
    status: BackfillStatus = BackfillStatus.RUNNING
    finished_at: datetime | None = None
    worked_seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    error: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on by itself."""
        return self.status is BackfillStatus.RUNNING

    @property
    def days_total(self) -> int:
        """How many days it has."""
        return (self.window.end - self.window.start).days + 1

    @property
    def days_done(self) -> int:
        """How many of them are done."""
        return (self.next_date - self.window.start).days

    @property
    def seconds_left(self) -> float | None:
        """The seconds of work left at the pace so far; None before the first slice, or at rest."""
        if not (self.is_running and self.days_done):
            return None
        return self.worked_seconds / self.days_done * (self.days_total - self.days_done)

    def next_slice(self) -> Window | None:
        """Return the days to fetch next; None where only the closing listing is left."""
        if self.next_date > self.window.end:
            return None
        last = self.next_date + timedelta(days=SLICE_DAYS - 1)
        return Window(self.next_date, min(last, self.window.end))

    def after(
        self, done: Window | None, counts: Mapping[str, int], seconds: float, now: datetime
    ) -> "Backfill":
        """Return it one step on.

        Args:
            done: The slice that was fetched and applied whole; None for the closing listing.
            counts: What became of its rows.
            seconds: How long that took.
            now: The time, UTC.
        """
        further = replace(
            self,
            updated_at=now,
            worked_seconds=self.worked_seconds + seconds,
            counts={name: self.counts[name] + counts[name] for name in COUNTS},
            error=None,
        )
        if done is not None:
            return replace(further, next_date=done.end + _DAY)
        return replace(further, status=BackfillStatus.COMPLETED, finished_at=now)

    def hindered(self, error: str, now: datetime, *, for_good: bool) -> "Backfill":
        """Return it with what stands in its way.

        Args:
            error: In words that say what to do.
            now: The time, UTC.
            for_good: Whether somebody must mend something first; else the next run tries again.
        """
        status = BackfillStatus.FAILED if for_good else self.status
        return replace(self, status=status, error=error, updated_at=now)

    def resumed(self, now: datetime) -> "Backfill":
        """Return a failed one as it goes on from where it stopped."""
        return replace(self, status=BackfillStatus.RUNNING, error=None, updated_at=now)

    def stored(self) -> dict[str, Any]:
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


def backfill_in(document: Mapping[str, Any]) -> Backfill | None:
    """Read it back from a settings document; None where there never was one."""
    held = document.get("backfill") or {}
    if "status" not in held:
        return None
    return Backfill(
        window=Window(date.fromisoformat(held["startDate"]), date.fromisoformat(held["endDate"])),
        rid=held["rid"],
        started_at=held["startedAt"],
        updated_at=held["updatedAt"],
        next_date=date.fromisoformat(held["nextDate"]),
        status=BackfillStatus(held["status"]),
        finished_at=held["finishedAt"],
        worked_seconds=held["workedSeconds"],
        counts={name: held[name] for name in COUNTS},
        error=held["error"],
    )


def is_backfilling(document: Mapping[str, Any]) -> bool:
    """Whether a settings document tells of a backfill that goes on."""
    return (document.get("backfill") or {}).get("status") == BackfillStatus.RUNNING


def begun(window: Window, rid: str, now: datetime) -> Backfill:
    """Return a backfill of which nothing is done yet."""
    return Backfill(window, rid, started_at=now, updated_at=now, next_date=window.start)


def ordered(held: Backfill | None, new: Backfill, *, any_days: bool) -> Backfill:
    """Return which backfill stands once somebody has asked for one.

    One that failed goes on from where it stopped where the same days are asked for, or any.

    Args:
        held: The newest so far, None where there never was one.
        new: The one asked for, of which nothing is done.
        any_days: Whether no days were asked for, so that those of an unfinished one will do.

    Raises:
        BackfillUnderWayError: When one of other days is under way.
    """
    if held is None or held.finished_at is not None or held.rid != new.rid:
        return new
    if any_days or held.window == new.window:
        return held if held.is_running else held.resumed(new.started_at)
    if held.is_running:
        raise BackfillUnderWayError(
            f"A backfill from {held.window.start} to {held.window.end} is under way: "
            "wait for its end, or ask for the same dates."
        )
    return new


def backfill_window(now: datetime, zone: ZoneInfo, start: date | None, end: date | None) -> Window:
    """Return the days asked for; by default from 30 days back to 365 ahead (see `window_at`)."""
    return window_at(now, zone, start, end, back=DAYS_BACK, ahead=DAYS_AHEAD)
