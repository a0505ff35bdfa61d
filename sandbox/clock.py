"""Provide injectable clocks: system, skewed and manual."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

ClockFunction = Callable[[], datetime]


def read_system_time() -> datetime:
    """Return the machine's time, aware, in UTC."""
    return datetime.now(UTC)


class SkewedClock:
    """A clock with a constant difference to another clock; negative is behind."""

    def __init__(self, base: ClockFunction = read_system_time) -> None:
        self._base = base
        self.skew = timedelta(0)

    def __call__(self) -> datetime:
        """Return the skewed time."""
        return self._base() + self.skew


class ManualClock:
    """A clock for tests, moved by hand from an aware time."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the time it stands at."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._now += timedelta(seconds=seconds)

    def set(self, now: datetime) -> None:
        """Stand at ``now``; never goes back."""
        self._now = max(self._now, now)
