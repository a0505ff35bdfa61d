"""`docs/scale.md`: its tables, written from the arithmetic and the simulation."""

from collections.abc import Iterator
from pathlib import Path

from dev.scale import assumed as a
from dev.scale.figures import FIGURES, SIZES, values
from dev.scale.queue import Limits, backlog_after, drained, durations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
BEGIN = "<!-- The {} are written by `python -m dev scale`. -->"
END = "<!-- End of the {}. -->"
_TIMES, _DIVIDED_BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_TICK = 86_400 / a.POLLS
_TICKS = 9  # two hours
_SMALL = Limits(4, 16)
_LARGE = Limits(125, 160)
_HERE = Limits(float("inf"), a.RESTAURANTS_AT_ONCE)
_RUNS = (
    ("one invocation", 10, _HERE),
    ("one invocation", 200, _HERE),
    ("one invocation", 1_000, _HERE),
    ("queue of 4/s, 16 at once", 1_000, _SMALL),
    ("queue of 4/s, 16 at once", 3_500, _SMALL),
    ("queue of 4/s, 16 at once", 100_000, _SMALL),
    ("queue of 125/s, 160 at once", 100_000, _LARGE),
)


def with_tables(page: str) -> str:
    """Return a page with the present tables in their places.

    Raises:
        ValueError: When the page lacks a place.
    """
    for name, rows in (("figures", _figures()), ("runs", _runs())):
        begin, end = BEGIN.format(name), END.format(name)
        before, after = page[: page.index(begin)], page[page.index(end) :]
        page = "\n".join([before + begin, "", *rows, "", after])
    return page


def write_tables(page: Path = PAGE) -> None:
    """Bring a page's tables up to date."""
    page.write_text(with_tables(page.read_text()))


def _figures() -> Iterator[str]:
    columns = {size: values(size) for size in SIZES}
    yield f"| a month | arithmetic | {' | '.join(f'N = {size:,}' for size in SIZES)} |"
    yield f"|---|---|{'--:|' * len(SIZES)}"
    for figure in FIGURES:
        shown = (f"{figure.unit}{columns[size][figure.name]:,.{figure.places}f}" for size in SIZES)
        label = figure.label if figure.name == figure.label else f"{figure.label}: *{figure.name}*"
        arithmetic = figure.arithmetic.replace("*", _TIMES).replace("/", _DIVIDED_BY)
        yield f"| {label} | {arithmetic} | {' | '.join(shown)} |"


def _runs() -> Iterator[str]:
    seconds = durations(a.POLL_SECONDS)
    yield "| polls of | by | done after | of the tick | left over after two hours |"
    yield "|--:|---|--:|--:|--:|"
    for how, restaurants, limits in _RUNS:
        took = drained(restaurants, limits, seconds)
        behind = backlog_after(_TICKS, _TICK, restaurants, limits, seconds)
        share, late = f"{took / _TICK:.0%}", f"{behind / 3600:,.1f} h" if behind else "none"
        yield f"| {restaurants:,} | {how} | {took:,.0f} s | {share} | {late} |"


def most_in_one_invocation() -> int:
    """Return how many quiet restaurants one invocation polls within its budget, in hundreds."""
    seconds, found = durations(a.POLL_SECONDS), 0
    while drained(found + 100, _HERE, seconds) <= a.BUDGET_SECONDS:
        found += 100
    return found
