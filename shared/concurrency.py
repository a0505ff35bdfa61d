"""A bounded cache of look-ups under asyncio: each key is looked up once however many ask.

Several things at once, of which none outlives the request that asked for them.

The clocks that calls are measured by, and the deadlines set on them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from cachetools import TTLCache
from msgspec import Struct
from msgspec.structs import replace

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")
R = TypeVar("R")


class SingleFlightTTLCache(Generic[K, V]):
    """Look-ups remembered for a while; failures are not remembered.

    Args:
        load: Finds a key's value.
        max_size: How many keys are remembered.
        ttl_seconds: For how long.
        timer: A clock in seconds that never goes back.
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
        """Whether a look-up of the key would cost nothing."""
        return key in self._tasks

    async def get(self, key: K) -> V:
        """Return a key's value, looked up at most once in the cache's time."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(self._load_once(key))
        # One caller's deadline must not end the look-up that others wait for.
        return await asyncio.shield(task)

    async def _load_once(self, key: K) -> V:
        try:
            return await self._load(key)
        except BaseException:
            self._tasks.pop(key, None)
            raise

    def invalidate(self, key: K) -> None:
        """Look the key up again when it is next asked for."""
        self._tasks.pop(key, None)


async def gather_all(*awaitables: Awaitable[object]) -> None:
    """Do several things at the same time, and return once each of them is over.

    Args:
        awaitables: What is done; one's failure neither ends nor hides the others.

    Raises:
        BaseException: The first, in their order, that any of them raised.
    """
    for outcome in await asyncio.gather(*awaitables, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def gather_bounded(
    limit: int, function: Callable[[T], Awaitable[R]], items: Iterable[T]
) -> list[R]:
    """Await `function` for each item, at most `limit` at a time; return the results in order.

    The first failure is raised at once; calls in progress go on.
    """
    semaphore = asyncio.Semaphore(limit)

    async def call(item: T) -> R:
        async with semaphore:
            return await function(item)

    return await asyncio.gather(*map(call, items))


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
