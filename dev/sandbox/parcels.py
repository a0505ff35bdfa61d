"""A webhook on its way: what is sent, to where, and how long its sender tries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """When a sender tries, and when it gives up.

    Args:
        offset_seconds: Seconds after the first attempt at which each attempt is made, ascending
            from 0.
        stale_after_seconds: Seconds after the first attempt's time from which none is made any
            more.
    """

    offset_seconds: tuple[float, ...]
    stale_after_seconds: float | None = None

    def attempt_offset(self, attempt_number: int) -> timedelta | None:
        """Return when attempt ``attempt_number`` (from 0) is due, None after the last one."""
        return (
            timedelta(seconds=self.offset_seconds[attempt_number])
            if attempt_number < len(self.offset_seconds)
            else None
        )

    def is_stale(self, age: timedelta) -> bool:
        """Say whether an event of ``age`` is dropped instead of sent."""
        return (
            self.stale_after_seconds is not None and age.total_seconds() > self.stale_after_seconds
        )


# OpenTable's two pages disagree: three attempts, or one and three retries a second apart.
THREE_ATTEMPTS = RetrySchedule((0, 1, 2), stale_after_seconds=60)
ONE_AND_THREE_RETRIES = RetrySchedule((0, 1, 2, 3), stale_after_seconds=60)
RELAY_RETRY_SCHEDULE = RetrySchedule((0, 1, 3, 7, 15, 31, 63, 127))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body for one URL; ``build_headers`` makes the headers of an attempt at a given time."""

    url: str
    body: bytes
    build_headers: Callable[[datetime, bytes], dict[str, str]]
    retry_schedule: RetrySchedule
