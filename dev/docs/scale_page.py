"""Write the tables of `docs/scale.md`: figures of `capacity`, and simulations.

A Cloud Tasks queue has a rate limit, a concurrency limit and repeated ticks. Its simulation ignores
its slow start, retries and the duration of enqueueing.
"""

import heapq
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bootstrap import ROOT
from dev.docs.capacity import (
    CAPACITY_FIGURES,
    EARLIER_BOOKED_IDLE_DOLLARS,
    EARLIER_IDLE_DOLLARS,
    FAN_OUT_ABOVE,
    IDLE_FIGURES,
    POLL_SECONDS,
    POLLS_PER_DAY,
    RESTAURANT_COUNTS,
    RESTAURANTS_AT_ONCE,
    RESTAURANTS_PER_TASK,
    RUN_BUDGET_SECONDS,
    CapacityFigure,
    compute_figures,
    compute_operations_per_second,
    evaluate_figures,
)
from dev.docs.tables import replace_generated_lines

SCALE_PAGE = ROOT / "docs" / "scale.md"
SCALE_TABLE_BEGIN = "<!-- The {} are written by `python -m dev scale`. -->"
SCALE_TABLE_END = "<!-- End of the {}. -->"
_TIMES, _DIVIDED_BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_POLL_INTERVAL_SECONDS = 86_400 / POLLS_PER_DAY
_IDLE_COLUMNS = (
    (f"up to {FAN_OUT_ABOVE:,} restaurants", {"queued": 0.0, "booked": 0.0}),
    ("more", {"queued": 1.0, "booked": 0.0}),
    ("with full days", {"queued": 0.0, "booked": 1.0}),
)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """A queue's limits of dispatches per second and of concurrent tasks."""

    max_per_second: float
    max_concurrent: int


_TICK_COUNT = 9  # two hours
_SAMPLE_COUNT = 1_000
_SMALL_QUEUE = QueueLimits(0.125, 2)
_LARGE_QUEUE = QueueLimits(4, 8)
_SINGLE_INVOCATION = QueueLimits(float("inf"), RESTAURANTS_AT_ONCE)

_QUEUE_SCENARIOS = (
    ("one invocation", 10, _SINGLE_INVOCATION, 1),
    ("one invocation", 200, _SINGLE_INVOCATION, 1),
    ("one invocation", 1_000, _SINGLE_INVOCATION, 1),
    ("queue, 1 task in 8 s", 3_500, _SMALL_QUEUE, RESTAURANTS_PER_TASK),
    ("queue, 1 task in 8 s", 100_000, _SMALL_QUEUE, RESTAURANTS_PER_TASK),
    ("queue, 4 tasks per second", 100_000, _LARGE_QUEUE, RESTAURANTS_PER_TASK),
)
_RAMP_RATES = (500, 1_000, 5_000, 20_000, 50_000)


def write_scale_tables() -> None:
    """Bring the tables of the page up to date."""
    SCALE_PAGE.write_text(replace_scale_tables(SCALE_PAGE.read_text()))


def replace_scale_tables(page: str) -> str:
    """Return a page with the current tables."""
    by_count = {f"N = {count:,}": compute_figures(count) for count in RESTAURANT_COUNTS}
    idle = {name: evaluate_figures(IDLE_FIGURES, start) for name, start in _IDLE_COLUMNS}
    earlier_idle = (
        f"| earlier cost | | ${EARLIER_IDLE_DOLLARS:.4f} | | ${EARLIER_BOOKED_IDLE_DOLLARS:.4f} |"
    )
    tables: dict[str, Iterable[str]] = {
        "figures": _build_rows(CAPACITY_FIGURES, by_count),
        "idle figures": [*_build_rows(IDLE_FIGURES, idle), earlier_idle],
        "runs": _build_queue_rows(),
        "ramps": _build_ramp_rows(),
    }
    for name, rows in tables.items():
        begin, end = SCALE_TABLE_BEGIN.format(name), SCALE_TABLE_END.format(name)
        page = replace_generated_lines(page, begin, end, rows)
    return page


def _build_rows(
    figures: Sequence[CapacityFigure], columns: Mapping[str, Mapping[str, float]]
) -> Iterator[str]:
    yield f"| per month | formula | {' | '.join(columns)} |"
    yield f"|---|---|{'--:|' * len(columns)}"
    for figure in figures:
        cells = (
            f"{figure.unit}{column[figure.name]:,.{figure.decimals}f}"
            for column in columns.values()
        )
        label = figure.label if figure.name == figure.label else f"{figure.label}: *{figure.name}*"
        arithmetic = figure.formula.replace("*", _TIMES).replace("/", _DIVIDED_BY)
        yield f"| {label} | {arithmetic} | {' | '.join(cells)} |"


def _build_queue_rows() -> Iterator[str]:
    yield "| restaurants | execution | duration | share of the interval | backlog after two hours |"
    yield "|--:|---|--:|--:|--:|"
    for description, restaurants, limits, per_task in _QUEUE_SCENARIOS:
        seconds = sample_batch_durations(POLL_SECONDS, per_task)
        tasks = -(-restaurants // per_task)  # rounded up
        load = tasks, limits, seconds
        drain_seconds = simulate_drain(*load)
        backlog_seconds = simulate_backlog(_TICK_COUNT, _POLL_INTERVAL_SECONDS, *load)
        share = f"{drain_seconds / _POLL_INTERVAL_SECONDS:.0%}"
        backlog = f"{backlog_seconds / 3600:,.1f} h" if backlog_seconds else "none"
        yield f"| {restaurants:,} | {description} | {drain_seconds:,.0f} s | {share} | {backlog} |"


def _build_ramp_rows() -> Iterator[str]:
    yield "| operations per second | restaurants with full days | minutes of ramp |"
    yield "|--:|--:|--:|"
    for rate in _RAMP_RATES:
        restaurants = rate / compute_operations_per_second(1)
        yield f"| {rate:,} | {restaurants:,.0f} | {simulate_ramp(rate) / 60:,.0f} |"


def compute_max_restaurants_per_invocation() -> int:
    """Return how many quiet restaurants one invocation polls within its budget, in hundreds.

    The last one begins in the first half of the budget (`run_restaurants`).
    """
    seconds, count = sample_durations(POLL_SECONDS), 0
    while simulate_drain(count + 100, _SINGLE_INVOCATION, seconds) <= RUN_BUDGET_SECONDS / 2:
        count += 100
    return count


def simulate_drain(
    tasks: int, limits: QueueLimits, seconds: Sequence[float], start: float = 0.0
) -> float:
    """Return when the last of some tasks, all enqueued at `start`, has ended.

    `seconds` are the durations of the tasks, over and over in this order.
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


def sample_durations(mean: float, count: int = _SAMPLE_COUNT) -> list[float]:
    """Return how long tasks take: most about the mean, a few much longer; equal in every run."""
    rng = random.Random(0)
    # Scaled, because the mean of a sample differs from that of its distribution.
    samples = [rng.lognormvariate(0.0, 0.5) for _ in range(count)]
    return [mean * duration * count / sum(samples) for duration in samples]


def sample_batch_durations(mean: float, size: int) -> list[float]:
    """Return how long tasks take that each process a number of restaurants at the same time."""
    durations = sample_durations(mean, _SAMPLE_COUNT * size)
    return [max(durations[first : first + size]) for first in range(0, len(durations), size)]


def simulate_ramp(operations_per_second: float) -> float:
    """Return the seconds until Firestore's rule of 500/50/5 allows a rate.

    A new range of keys starts at 500 operations per second, and grows by 50 % every five minutes.
    """
    allowed, seconds = 500.0, 0.0
    while allowed < operations_per_second:
        allowed *= 1.5
        seconds += 300
    return seconds
