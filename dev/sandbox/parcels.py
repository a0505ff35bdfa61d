"""A webhook on its way: what is sent, to where, and how long its sender tries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """When a sender tries, and when it gives up.

    Args:
        offsets: Seconds after the first attempt at which each attempt is made, ascending from 0.
        stale_after: Seconds after the first attempt's time from which none is made any more.
    """

    offsets: tuple[float, ...]
    stale_after: float | None = None

    def after(self, attempt: int) -> timedelta | None:
        """Return when attempt number ``attempt`` (from 0) is due, None when it is given up."""
        return timedelta(seconds=self.offsets[attempt]) if attempt < len(self.offsets) else None

    def is_stale(self, age: timedelta) -> bool:
        """Say whether an event of ``age`` is dropped instead of sent."""
        return self.stale_after is not None and age.total_seconds() > self.stale_after


# OpenTable's two pages disagree: three attempts, or one and three retries a second apart.
THREE_ATTEMPTS = Patience((0, 1, 2), stale_after=60)
ONE_AND_THREE_RETRIES = Patience((0, 1, 2, 3), stale_after=60)
RELAY_PATIENCE = Patience((0, 1, 3, 7, 15, 31, 63, 127))


@dataclass(frozen=True, slots=True)
class Parcel:
    """One body for one URL; ``headers`` makes the headers of an attempt at a given time."""

    url: str
    body: bytes
    headers: Callable[[datetime, bytes], dict[str, str]]
    patience: Patience
