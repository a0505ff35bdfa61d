"""A bounded cache of look-ups under asyncio: each key is looked up once however many ask."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cached(Generic[K, V]):
    """Look-ups remembered for a while; failures are not remembered.

    Args:
        look_up: Finds a key's value.
        size: How many keys are remembered.
        seconds: For how long.
        timer: A clock in seconds that never goes back.
    """

    def __init__(
        self,
        look_up: Callable[[K], Awaitable[V]],
        *,
        size: int,
        seconds: float,
        timer: Callable[[], float],
    ) -> None:
        self._look_up = look_up
        self._found: TTLCache[K, asyncio.Task[V]] = TTLCache(size, seconds, timer)

    def __contains__(self, key: K) -> bool:
        """Whether a look-up of the key would cost nothing."""
        return key in self._found

    async def get(self, key: K) -> V:
        """Return a key's value, looked up at most once in the cache's time."""
        task = self._found.get(key)
        if task is None:
            task = self._found[key] = asyncio.ensure_future(self._find(key))
        # One caller's deadline must not end the look-up that others wait for.
        return await asyncio.shield(task)

    async def _find(self, key: K) -> V:
        try:
            return await self._look_up(key)
        except BaseException:
            self._found.pop(key, None)
            raise

    def forget(self, key: K) -> None:
        """Look the key up again when it is next asked for."""
        self._found.pop(key, None)
