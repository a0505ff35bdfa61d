"""Send events until each is acknowledged, and send some of them twice."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import httpx

_MAX_CONCURRENT_REQUESTS = 16
_PAUSE_SECONDS = 0.05
_DUPLICATE_RATIO = 0.1

Post = Callable[[bytes], Awaitable[httpx.Response]]


@dataclass(slots=True)
class RedeliveringSender:
    """Send bodies until each is acknowledged.

    `unexpected_statuses` collects responses other than 2xx and 503; there must be none.
    """

    post: Post
    waiting: deque[bytes] = field(default_factory=deque)
    acknowledged: int = 0
    failed: int = 0
    unexpected_statuses: list[int] = field(default_factory=list)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    _random: Random = field(default_factory=lambda: Random(8))

    async def run(self) -> None:
        """Send everything in the queue until it is empty."""
        await asyncio.gather(*(self._work() for _ in range(_MAX_CONCURRENT_REQUESTS)))

    async def wait_until(self, *, acknowledged: int = 0, failed: int = 0) -> None:
        """Wait until so many were acknowledged, and so many attempts came to nothing."""
        async with self._progress:
            await self._progress.wait_for(
                lambda: self.acknowledged >= acknowledged and self.failed >= failed
            )

    async def _work(self) -> None:
        while self.waiting:
            body = self.waiting.popleft()
            if await self._is_acknowledged(body):
                self.acknowledged += 1
                resend = self._random.random() < _DUPLICATE_RATIO
            else:
                self.failed += 1
                resend = True
                await asyncio.sleep(_PAUSE_SECONDS)
            if resend:
                self.waiting.append(body)
            async with self._progress:
                self._progress.notify_all()

    async def _is_acknowledged(self, body: bytes) -> bool:
        try:
            response = await self.post(body)
        except httpx.TransportError:
            return False
        if response.status_code not in {200, 202, 503}:
            self.unexpected_statuses.append(response.status_code)
        return response.is_success
