"""Write the tables of `docs/scale.md`: figures of `capacity`, and simulations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

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
from dev.docs.generated_lines import replace_generated_lines
from dev.docs.queue_simulation import (
    QueueLimits,
    sample_batch_durations,
    sample_durations,
    simulate_backlog,
    simulate_drain,
    simulate_ramp,
)

SCALE_PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SCALE_TABLE_BEGIN = "<!-- The {} are written by `python -m dev scale`. -->"
SCALE_TABLE_END = "<!-- End of the {}. -->"
_TIMES, _DIVIDED_BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_POLL_INTERVAL_SECONDS = 86_400 / POLLS_PER_DAY
_IDLE_COLUMNS = (
    (f"up to {FAN_OUT_ABOVE:,} restaurants", {"queued": 0.0, "booked": 0.0}),
    ("more", {"queued": 1.0, "booked": 0.0}),
    ("with full days", {"queued": 0.0, "booked": 1.0}),
)
_TICK_COUNT = 9  # two hours
# Tasks per second and concurrent tasks.
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


def replace_scale_tables(page: str) -> str:
    """Return a page with the current tables.

    Raises:
        ValueError: A mark is missing.
    """
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


def write_scale_tables(page: Path = SCALE_PAGE) -> None:
    """Bring a page's tables up to date."""
    page.write_text(replace_scale_tables(page.read_text()))


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
        drain_seconds = simulate_drain(tasks, limits, seconds)
        backlog_seconds = simulate_backlog(
            _TICK_COUNT, _POLL_INTERVAL_SECONDS, tasks, limits, seconds
        )
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

    The last one begins in the first half of the budget (`compute_start_deadline`).
    """
    seconds, count = sample_durations(POLL_SECONDS), 0
    while simulate_drain(count + 100, _SINGLE_INVOCATION, seconds) <= RUN_BUDGET_SECONDS / 2:
        count += 100
    return count
