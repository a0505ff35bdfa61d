"""Deliver webhooks from a queue: post, retry, give up, and inject faults."""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Lock

from sandbox.clock import ClockFunction, ManualClock

# OpenTable shows 200 and documents neither other responses nor a timeout.
_SUCCESS_CLASS = 2  # of 2xx


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The times of a sender's attempts.

    Args:
        offset_seconds: Seconds after the first attempt, ascending from 0.
        stale_after_seconds: No attempt is made later than this after the first attempt.
    """

    offset_seconds: tuple[float, ...]
    stale_after_seconds: float | None = None

    def is_stale(self, age: timedelta) -> bool:
        """Return whether an event of ``age`` is dropped instead of sent."""
        limit = self.stale_after_seconds
        return limit is not None and age.total_seconds() > limit


# OpenTable's two pages disagree: three attempts with an exponential pause, or up to three retries a
# second apart. The exact pauses are undocumented. Both lose an event within about a minute.
THREE_ATTEMPTS = RetrySchedule((0, 1, 2), stale_after_seconds=60)
ONE_AND_THREE_RETRIES = RetrySchedule((0, 1, 2, 3), stale_after_seconds=60)
# A choice, because a relay is no product of OpenTable: it tries longer, and its pauses double.
RELAY_RETRY_SCHEDULE = RetrySchedule((0, 1, 3, 7, 15, 31, 63, 127))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body for one URL; ``build_headers`` makes the headers of an attempt at a given time."""

    url: str
    body: bytes
    build_headers: Callable[[datetime, bytes], dict[str, str]]
    retry_schedule: RetrySchedule


_MAX_REPLAYABLE_DELIVERIES = 1000


@dataclass(slots=True)
class WebhookFaults:
    """Inject faults into deliveries. Shares are 0 to 1, times are seconds.

    Args:
        duplicate: Share sent twice.
        drop: Share lost.
        reorder: Share delayed by up to ``reorder_within``, so that later ones overtake.
        delay: Delay of every delivery.
        replay: Share of events followed by an old body.
        silent: Drop all events from now on.
        holding: Queue all events and send them in one burst afterwards.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    reorder_within: float = 5.0
    delay: float = 0.0
    replay: float = 0.0
    silent: bool = False
    holding: bool = False
    _sent_deliveries: deque[Delivery] = field(
        default_factory=lambda: deque(maxlen=_MAX_REPLAYABLE_DELIVERIES)
    )

    def plan_deliveries(
        self, delivery: Delivery, rng: random.Random
    ) -> list[tuple[Delivery, float]]:
        """Return the deliveries to make for ``delivery``, each with its delay in seconds."""
        if self.silent or rng.random() < self.drop:
            return []
        deliveries = [delivery] * (2 if rng.random() < self.duplicate else 1)
        if self._sent_deliveries and rng.random() < self.replay:
            deliveries.append(rng.choice(self._sent_deliveries))
        # A replay repeats the body of an event that was sent before this one.
        self._sent_deliveries.append(delivery)
        return [(planned, self.delay + self._draw_reordering(rng)) for planned in deliveries]

    def _draw_reordering(self, rng: random.Random) -> float:
        return rng.uniform(0, self.reorder_within) if rng.random() < self.reorder else 0.0


# Posts a body to a URL with headers; returns the status, or 0 without a response in 10 seconds.
PostFunction = Callable[[str, dict[str, str], bytes], int]
MAX_QUEUED_DELIVERIES = 100_000


@dataclass(order=True, slots=True)
class _QueuedAttempt:
    due_at: datetime
    order: int  # equal times keep the order of the events
    first_attempt_at: datetime = field(compare=False)
    attempt_number: int = field(compare=False)
    delivery: Delivery = field(compare=False)


class WebhookDispatcher:
    """Send deliveries with retries and injected faults; any 2xx is success."""

    def __init__(self, post_function: PostFunction, clock: ClockFunction, seed: int = 0) -> None:
        self.faults = WebhookFaults()
        self.counts: Counter[str] = Counter()
        self._post = post_function
        self._clock = clock
        self._random = random.Random(seed)
        self._queue: list[_QueuedAttempt] = []
        self._numbers = count()
        self._lock = Lock()

    def enqueue(self, delivery: Delivery) -> None:
        """Queue a delivery: once, twice, late or not at all, as the faults decide."""
        planned = self.faults.plan_deliveries(delivery, self._random)
        self.counts["lost"] += not planned
        for planned_delivery, delay in planned:
            due_at = self._clock() + timedelta(seconds=delay)
            self._push(_QueuedAttempt(due_at, next(self._numbers), due_at, 0, planned_delivery))

    def next_due_at(self) -> datetime | None:
        """Return the time of the next attempt, None if nothing is due or everything is on hold."""
        with self._lock:
            return self._queue[0].due_at if self._queue and not self.faults.holding else None

    def send_due(self) -> None:
        """Make all due attempts."""
        while (due := self._pop_due()) is not None:
            self._send(due)

    def _send(self, due: _QueuedAttempt) -> None:
        now = self._clock()
        if due.delivery.retry_schedule.is_stale(now - due.first_attempt_at):
            self.counts["stale"] += 1
            return
        headers = due.delivery.build_headers(now, due.delivery.body)
        status = self._post(due.delivery.url, headers, due.delivery.body)
        if status // 100 == _SUCCESS_CLASS:
            self.counts["delivered"] += 1
            return
        due.attempt_number += 1
        offsets = due.delivery.retry_schedule.offset_seconds
        if due.attempt_number == len(offsets):
            self.counts["given_up"] += 1
            return
        self.counts["retried"] += 1
        # From the first attempt: a slow receiver does not delay later attempts.
        due.due_at = due.first_attempt_at + timedelta(seconds=offsets[due.attempt_number])
        due.order = next(self._numbers)
        self._push(due)

    def _push(self, attempt: _QueuedAttempt) -> None:
        with self._lock:
            if len(self._queue) >= MAX_QUEUED_DELIVERIES:
                self.counts["lost"] += 1
            else:
                heapq.heappush(self._queue, attempt)

    def _pop_due(self) -> _QueuedAttempt | None:
        with self._lock:
            if not self._queue or self.faults.holding or self._queue[0].due_at > self._clock():
                return None
            return heapq.heappop(self._queue)


def deliver_all(dispatcher: WebhookDispatcher, clock: ManualClock) -> None:
    """Make all attempts, and advance the clock instead of waiting."""
    while (due := dispatcher.next_due_at()) is not None:
        clock.set(due)
        dispatcher.send_due()
