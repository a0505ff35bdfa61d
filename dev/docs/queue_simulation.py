"""Simulate a Cloud Tasks queue and the ramp of Firestore's traffic.

The queue has a rate limit, a concurrency limit and repeated ticks. The simulation ignores its slow
start, retries and the duration of enqueueing.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """A queue's limits.

    Attributes:
        max_per_second: The most dispatches a second.
        max_concurrent: The most tasks under way at once.
    """

    max_per_second: float
    max_concurrent: int


def simulate_drain(
    tasks: int, limits: QueueLimits, seconds: Sequence[float], start: float = 0.0
) -> float:
    """Return when the last of some tasks, all enqueued at `start`, has ended.

    Args:
        tasks: How many.
        limits: The queue's.
        seconds: How long tasks take, over and over in this order.
        start: When they are enqueued.
    """
    running: list[float] = []
    next_start = start
    for number in range(tasks):
        next_start = max(next_start, start + number / limits.max_per_second)
        if len(running) == limits.max_concurrent:
            # Every place is taken until the first task ends.
            next_start = max(next_start, heapq.heappop(running))
        heapq.heappush(running, next_start + seconds[number % len(seconds)])
    return max(running, default=start)


def simulate_backlog(
    ticks: int, interval_seconds: float, tasks: int, limits: QueueLimits, seconds: Sequence[float]
) -> float:
    """Return the remaining work of earlier ticks at the last tick, in seconds.

    0 means that each tick's tasks ended before the next tick.
    """
    free_at = 0.0
    for tick in range(ticks - 1):
        free_at = simulate_drain(tasks, limits, seconds, max(free_at, tick * interval_seconds))
    return max(0.0, free_at - (ticks - 1) * interval_seconds)


def sample_durations(mean: float, count: int = 1_000, seed: int = 0) -> list[float]:
    """Return how long tasks take: most about the mean, a few much longer; equal in every run."""
    rng = random.Random(seed)
    # Scaled, because the mean of a sample differs from that of its distribution.
    samples = [rng.lognormvariate(0.0, 0.5) for _ in range(count)]
    return [mean * duration * count / sum(samples) for duration in samples]


def sample_batch_durations(mean: float, size: int, count: int = 1_000) -> list[float]:
    """Return how long tasks take that each process a number of restaurants at the same time."""
    durations = sample_durations(mean, count * size)
    return [max(durations[first : first + size]) for first in range(0, count * size, size)]


def simulate_ramp(operations_per_second: float) -> float:
    """Return the seconds until Firestore's rule of 500/50/5 allows a rate.

    A new range of keys starts at 500 operations per second, and grows by 50 % every five minutes.
    """
    allowed, seconds = 500.0, 0.0
    while allowed < operations_per_second:
        allowed *= 1.5
        seconds += 300
    return seconds
