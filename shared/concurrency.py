"""Helpers for many calls: batches, bounded and complete gathering, a cache, clocks, deadlines."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from cachetools import TTLCache
from msgspec import Struct
from msgspec.structs import replace

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")
R = TypeVar("R")


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the items in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def sleep_randomly(max_seconds: float) -> None:
    """Wait up to some seconds, so that competing writers do not repeat at the same time."""
    await asyncio.sleep(random.uniform(0, max_seconds))  # noqa: S311 -- jitter, no secret


class SingleFlightTTLCache(Generic[K, V]):
    """A cache that loads each key once, however many callers wait; errors are not cached.

    `timer` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        max_size: int,
        ttl_seconds: float,
        timer: Callable[[], float],
    ) -> None:
        self._load = load
        self._tasks: TTLCache[K, asyncio.Task[V]] = TTLCache(max_size, ttl_seconds, timer)

    def __contains__(self, key: K) -> bool:
        """Return whether the key is loaded or being loaded."""
        return key in self._tasks

    async def get(self, key: K) -> V:
        """Return the value of a key."""

        async def load() -> V:
            try:
                return await self._load(key)
            except BaseException:
                # Not cached: the next caller tries again.
                self._tasks.pop(key, None)
                raise

        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(load())
        # One caller's timeout must not cancel the load that others wait for.
        return await asyncio.shield(task)

    def invalidate(self, key: K) -> None:
        """Load the key again at its next use."""
        self._tasks.pop(key, None)


async def gather_all(*awaitables: Awaitable[object]) -> None:
    """Run awaitables concurrently, wait for all of them, then raise the first error in order."""
    for outcome in await asyncio.gather(*awaitables, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def gather_bounded(
    limit: int, function: Callable[[T], Awaitable[R]], items: Iterable[T]
) -> list[R]:
    """Await `function` for each item, at most `limit` at a time; return the results in order.

    The first error is raised at once; the other calls go on.
    """
    semaphore = asyncio.Semaphore(limit)

    async def call(item: T) -> R:
        async with semaphore:
            return await function(item)

    return await asyncio.gather(*map(call, items))


class Clock(Struct, frozen=True):
    """A source of time.

    Attributes:
        monotonic: Seconds that never decrease, for deadlines and the age of tokens.
        now: The current time, UTC, for a `Retry-After` with a date.
    """

    monotonic: Callable[[], float]
    now: Callable[[], datetime]


SYSTEM_CLOCK = Clock(time.monotonic, lambda: datetime.now(UTC))


class Deadline(Struct, frozen=True):
    """The time by which work must end, retries and pauses included.

    Attributes:
        at: Seconds of the clock's `monotonic`.
    """

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM_CLOCK) -> Self:
        """Return a deadline in a number of seconds."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - self.clock.monotonic())

    def within(self, seconds: float) -> Self:
        """Return the earlier of this deadline and one in a number of seconds."""
        return replace(self, at=min(self.at, self.clock.monotonic() + seconds))
