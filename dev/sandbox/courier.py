"""Delivers webhooks: a queue by due time that posts, retries and gives up, and never sleeps."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from dev.sandbox.chaos import Chaos
from dev.sandbox.clock import Clock, ManualClock
from dev.sandbox.parcels import Parcel

Post = Callable[[str, dict[str, str], bytes], int]
"""Posts a body to a URL with headers; the status, or 0 where no answer came within 10 seconds."""

MAX_WAITING = 100_000


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    place: int
    first: datetime = field(compare=False)
    attempt: int = field(compare=False)
    parcel: Parcel = field(compare=False)


class Courier:
    """Takes parcels through chaos to their URL; any 2xx is success."""

    def __init__(self, post: Post, clock: Clock, seed: int = 0) -> None:
        """Deliver by ``post``, at the time of ``clock``; ``seed`` makes the chaos repeatable."""
        self.chaos = Chaos()
        self.counts: Counter[str] = Counter()
        self._post = post
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - repeatable chaos is wanted
        self._queue: list[_Due] = []
        self._places = 0
        self._lock = Lock()

    def offer(self, parcel: Parcel) -> None:
        """Take a parcel on: once, twice, late or not at all, as chaos has it."""
        fates = self.chaos.fates(parcel, self._random)
        self.counts["lost"] += not fates
        for one, delay in fates:
            first = self._clock() + timedelta(seconds=delay)
            self._push(first, first, 0, one)

    def next_due(self) -> datetime | None:
        """Return when the next attempt is due; None while nothing waits or all is held."""
        with self._lock:
            return self._queue[0].at if self._queue and not self.chaos.holding else None

    def run_due(self) -> None:
        """Make all attempts that are due by now."""
        while (due := self._pop_due()) is not None:
            self._attempt(due)

    def _attempt(self, due: _Due) -> None:
        now = self._clock()
        if due.parcel.patience.is_stale(now - due.first):
            self.counts["stale"] += 1
            return
        headers = due.parcel.headers(now, due.parcel.body)
        status = self._post(due.parcel.url, headers, due.parcel.body)
        if 200 <= status < 300:  # noqa: PLR2004 - any 2xx
            self.counts["delivered"] += 1
        else:
            self._retry(due)

    def _retry(self, due: _Due) -> None:
        wait = due.parcel.patience.after(due.attempt + 1)
        if wait is None:
            self.counts["given_up"] += 1
        else:
            self.counts["retried"] += 1
            self._push(due.first + wait, due.first, due.attempt + 1, due.parcel)

    def _push(self, at: datetime, first: datetime, attempt: int, parcel: Parcel) -> None:
        with self._lock:
            if len(self._queue) >= MAX_WAITING:
                self.counts["lost"] += 1
                return
            self._places += 1
            heapq.heappush(self._queue, _Due(at, self._places, first, attempt, parcel))

    def _pop_due(self) -> _Due | None:
        with self._lock:
            if not self._queue or self.chaos.holding or self._queue[0].at > self._clock():
                return None
            return heapq.heappop(self._queue)


def drain(courier: Courier, clock: ManualClock) -> None:
    """Make every attempt there will be, moving the clock on instead of waiting."""
    while (due := courier.next_due()) is not None:
        clock.set(due)
        courier.run_due()
