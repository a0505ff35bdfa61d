"""`docs/scale.md`: its tables, written from the arithmetic and the simulation."""

from collections.abc import Iterator
from pathlib import Path

from dev.scale import assumed as a
from dev.scale.figures import CAPACITY_FIGURES, RESTAURANT_COUNTS, compute_figures
from dev.scale.queue import QueueLimits, sample_durations, simulate_backlog, simulate_drain

SCALE_PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SCALE_TABLE_BEGIN = "<!-- The {} are written by `python -m dev scale`. -->"
SCALE_TABLE_END = "<!-- End of the {}. -->"
_TIMES, _DIVIDED_BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_POLL_INTERVAL_SECONDS = 86_400 / a.POLLS_PER_DAY
_TICK_COUNT = 9  # two hours
_SMALL_QUEUE = QueueLimits(4, 16)
_LARGE_QUEUE = QueueLimits(125, 160)
_SINGLE_INVOCATION = QueueLimits(float("inf"), a.RESTAURANTS_AT_ONCE)
_QUEUE_SCENARIOS = (
    ("one invocation", 10, _SINGLE_INVOCATION),
    ("one invocation", 200, _SINGLE_INVOCATION),
    ("one invocation", 1_000, _SINGLE_INVOCATION),
    ("queue of 4/s, 16 at once", 1_000, _SMALL_QUEUE),
    ("queue of 4/s, 16 at once", 3_500, _SMALL_QUEUE),
    ("queue of 4/s, 16 at once", 100_000, _SMALL_QUEUE),
    ("queue of 125/s, 160 at once", 100_000, _LARGE_QUEUE),
)


def replace_scale_tables(page: str) -> str:
    """Return a page with the present tables in their places.

    Raises:
        ValueError: When the page lacks a place.
    """
    for name, rows in (("figures", _build_figure_rows()), ("runs", _build_queue_rows())):
        begin, end = SCALE_TABLE_BEGIN.format(name), SCALE_TABLE_END.format(name)
        before, after = page[: page.index(begin)], page[page.index(end) :]
        page = "\n".join([before + begin, "", *rows, "", after])
    return page


def write_scale_tables(page: Path = SCALE_PAGE) -> None:
    """Bring a page's tables up to date."""
    page.write_text(replace_scale_tables(page.read_text()))


def _build_figure_rows() -> Iterator[str]:
    columns = {size: compute_figures(size) for size in RESTAURANT_COUNTS}
    yield f"| a month | arithmetic | {' | '.join(f'N = {size:,}' for size in RESTAURANT_COUNTS)} |"
    yield f"|---|---|{'--:|' * len(RESTAURANT_COUNTS)}"
    for figure in CAPACITY_FIGURES:
        cells = (
            f"{figure.unit}{columns[size][figure.name]:,.{figure.decimals}f}"
            for size in RESTAURANT_COUNTS
        )
        label = figure.label if figure.name == figure.label else f"{figure.label}: *{figure.name}*"
        arithmetic = figure.formula.replace("*", _TIMES).replace("/", _DIVIDED_BY)
        yield f"| {label} | {arithmetic} | {' | '.join(cells)} |"


def _build_queue_rows() -> Iterator[str]:
    seconds = sample_durations(a.POLL_SECONDS)
    yield "| polls of | by | done after | of the tick | left over after two hours |"
    yield "|--:|---|--:|--:|--:|"
    for description, restaurants, limits in _QUEUE_SCENARIOS:
        drain_seconds = simulate_drain(restaurants, limits, seconds)
        backlog_seconds = simulate_backlog(
            _TICK_COUNT, _POLL_INTERVAL_SECONDS, restaurants, limits, seconds
        )
        share, backlog = (
            f"{drain_seconds / _POLL_INTERVAL_SECONDS:.0%}",
            f"{backlog_seconds / 3600:,.1f} h" if backlog_seconds else "none",
        )
        yield f"| {restaurants:,} | {description} | {drain_seconds:,.0f} s | {share} | {backlog} |"


def compute_max_restaurants_per_invocation() -> int:
    """Return how many quiet restaurants one invocation polls within its budget, in hundreds."""
    seconds, count = sample_durations(a.POLL_SECONDS), 0
    while simulate_drain(count + 100, _SINGLE_INVOCATION, seconds) <= a.RUN_BUDGET_SECONDS:
        count += 100
    return count
