"""A sender that never gives up: what is not acknowledged is sent again, and some of it twice."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import httpx

_AT_ONCE = 16
_PAUSE_SECONDS = 0.05
_TWICE = 0.1

Post = Callable[[bytes], Awaitable[httpx.Response]]


@dataclass(slots=True)
class Redelivery:
    """Sends bodies until each was acknowledged.

    Attributes:
        post: Sends one.
        waiting: What is still to be sent.
        acknowledged: How many answers were a 2xx.
        failed: How many attempts came to nothing.
        odd: Answers that are neither a 2xx nor a 503: there must be none.
    """

    post: Post
    waiting: deque[bytes] = field(default_factory=deque)
    acknowledged: int = 0
    failed: int = 0
    odd: list[int] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _random: Random = field(default_factory=lambda: Random(8))  # noqa: S311 -- repeatable

    async def run(self) -> None:
        """Send all that waits, until nothing does."""
        await asyncio.gather(*(self._work() for _ in range(_AT_ONCE)))

    async def reached(self, *, acknowledged: int = 0, failed: int = 0) -> None:
        """Wait until so many were acknowledged, and so many attempts came to nothing."""
        async with self._news:
            await self._news.wait_for(
                lambda: self.acknowledged >= acknowledged and self.failed >= failed
            )

    async def _work(self) -> None:
        while self.waiting:
            body = self.waiting.popleft()
            if await self._is_acknowledged(body):
                self.acknowledged += 1
                again = self._random.random() < _TWICE
            else:
                self.failed += 1
                again = True
                await asyncio.sleep(_PAUSE_SECONDS)
            if again:
                self.waiting.append(body)
            async with self._news:
                self._news.notify_all()

    async def _is_acknowledged(self, body: bytes) -> bool:
        try:
            answer = await self.post(body)
        except httpx.TransportError:
            return False
        if answer.status_code not in {200, 202, 503}:
            self.odd.append(answer.status_code)
        return answer.is_success
