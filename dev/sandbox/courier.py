"""Delivers webhooks: a queue by due time that posts, retries and gives up, and never sleeps."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from dev.sandbox.chaos import WebhookFaults
from dev.sandbox.clock import ClockFunction, ManualClock
from dev.sandbox.parcels import Delivery

PostFunction = Callable[[str, dict[str, str], bytes], int]
"""Posts a body to a URL with headers; the status, or 0 where no answer came within 10 seconds."""

MAX_QUEUED_DELIVERIES = 100_000


@dataclass(order=True, slots=True)
class _QueuedAttempt:
    due_at: datetime
    order: int
    first_attempt_at: datetime = field(compare=False)
    attempt_number: int = field(compare=False)
    delivery: Delivery = field(compare=False)


class WebhookDispatcher:
    """Takes parcels through chaos to their URL; any 2xx is success."""

    def __init__(self, post_function: PostFunction, clock: ClockFunction, seed: int = 0) -> None:
        """Deliver by ``post_function`` at the time of ``clock``; ``seed`` repeats the faults."""
        self.faults = WebhookFaults()
        self.counts: Counter[str] = Counter()
        self._post = post_function
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - repeatable chaos is wanted
        self._queue: list[_QueuedAttempt] = []
        self._enqueued_count = 0
        self._lock = Lock()

    def enqueue(self, delivery: Delivery) -> None:
        """Take a parcel on: once, twice, late or not at all, as chaos has it."""
        planned = self.faults.plan_deliveries(delivery, self._random)
        self.counts["lost"] += not planned
        for planned_delivery, delay in planned:
            due_at = self._clock() + timedelta(seconds=delay)
            self._push(due_at, due_at, 0, planned_delivery)

    def next_due_at(self) -> datetime | None:
        """Return when the next attempt is due; None while nothing waits or all is held."""
        with self._lock:
            return self._queue[0].due_at if self._queue and not self.faults.holding else None

    def send_due(self) -> None:
        """Make all attempts that are due by now."""
        while (due := self._pop_due()) is not None:
            self._send(due)

    def _send(self, due: _QueuedAttempt) -> None:
        now = self._clock()
        if due.delivery.retry_schedule.is_stale(now - due.first_attempt_at):
            self.counts["stale"] += 1
            return
        headers = due.delivery.build_headers(now, due.delivery.body)
        status = self._post(due.delivery.url, headers, due.delivery.body)
        if 200 <= status < 300:  # noqa: PLR2004 - any 2xx
            self.counts["delivered"] += 1
        else:
            self._retry(due)

    def _retry(self, due: _QueuedAttempt) -> None:
        offset = due.delivery.retry_schedule.attempt_offset(due.attempt_number + 1)
        if offset is None:
            self.counts["given_up"] += 1
        else:
            self.counts["retried"] += 1
            self._push(
                due.first_attempt_at + offset,
                due.first_attempt_at,
                due.attempt_number + 1,
                due.delivery,
            )

    def _push(
        self, due_at: datetime, first_attempt_at: datetime, attempt_number: int, delivery: Delivery
    ) -> None:
        with self._lock:
            if len(self._queue) >= MAX_QUEUED_DELIVERIES:
                self.counts["lost"] += 1
                return
            self._enqueued_count += 1
            heapq.heappush(
                self._queue,
                _QueuedAttempt(
                    due_at, self._enqueued_count, first_attempt_at, attempt_number, delivery
                ),
            )

    def _pop_due(self) -> _QueuedAttempt | None:
        with self._lock:
            if not self._queue or self.faults.holding or self._queue[0].due_at > self._clock():
                return None
            return heapq.heappop(self._queue)


def deliver_all(dispatcher: WebhookDispatcher, clock: ManualClock) -> None:
    """Make every attempt there will be, moving the clock on instead of waiting."""
    while (due := dispatcher.next_due_at()) is not None:
        clock.set(due)
        dispatcher.send_due()
