"""A queue as Cloud Tasks works it: a rate, so many at once, and ticks that keep coming.

Left out: the slow start from idle, retries, and the time that the enqueueing itself takes.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A queue's limits.

    Attributes:
        rate: The most dispatches a second.
        at_once: The most tasks under way at once.
    """

    rate: float
    at_once: int


def drained(tasks: int, limits: Limits, seconds: Sequence[float], start: float = 0.0) -> float:
    """Return when the last of some tasks, all enqueued at `start`, has ended.

    Args:
        tasks: How many.
        limits: The queue's.
        seconds: How long tasks take, over and over in this order.
        start: When they are enqueued.
    """
    under_way: list[float] = []
    begins = start
    for number in range(tasks):
        begins = max(begins, start + number / limits.rate)
        if len(under_way) == limits.at_once:
            begins = max(begins, heapq.heappop(under_way))
        heapq.heappush(under_way, begins + seconds[number % len(seconds)])
    return max(under_way, default=start)


def backlog_after(
    ticks: int, every: float, tasks: int, limits: Limits, seconds: Sequence[float]
) -> float:
    """Return for how long a queue still works on what came before, when the last tick comes.

    Args:
        ticks: How many ticks come; each enqueues all tasks.
        every: Seconds from one to the next.
        tasks: How many tasks a tick has.
        limits: The queue's.
        seconds: As in `drained`.

    Returns:
        Seconds; 0 where each tick's tasks ended before the next came.
    """
    free = 0.0
    for tick in range(ticks - 1):
        free = drained(tasks, limits, seconds, max(free, tick * every))
    return max(0.0, free - (ticks - 1) * every)


def durations(mean: float, count: int = 1_000, seed: int = 0) -> list[float]:
    """Return how long tasks take, most about the mean and a few much longer; repeatable."""
    rng = random.Random(seed)  # noqa: S311 -- a simulation
    drawn = [rng.lognormvariate(0.0, 0.5) for _ in range(count)]
    return [mean * one * count / sum(drawn) for one in drawn]
