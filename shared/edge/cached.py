"""A bounded cache of look-ups under asyncio: each key is looked up once however many ask."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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
