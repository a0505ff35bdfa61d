"""The clocks that calls are measured by, and the deadlines set on them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from msgspec import Struct
from msgspec.structs import replace


class Clock(Struct, frozen=True):
    """Where time comes from.

    Attributes:
        monotonic: Seconds that only ever rise, for deadlines and the life of tokens.
        now: The aware time of day, for a ``Retry-After`` that names a date.
    """

    monotonic: Callable[[], float]
    now: Callable[[], datetime]


SYSTEM_CLOCK = Clock(time.monotonic, lambda: datetime.now(UTC))


class Deadline(Struct, frozen=True):
    """The moment by which work must be over, retries and waits included.

    Attributes:
        at: That moment in seconds of the clock's ``monotonic``.
        clock: The clock that it is read from.
    """

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM_CLOCK) -> Self:
        """Return the deadline so many seconds from now."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def within(self, seconds: float) -> Self:
        """Return this deadline, or the one so many seconds from now where that is sooner."""
        return replace(self, at=min(self.at, self.clock.monotonic() + seconds))
