"""What the bench finds: figures beside their floors and targets, as a table and as JSON.

docs/performance.md: its tables are written by the bench, between marks.

The plot of growth in docs/, as SVG: seconds over rows, both by powers of ten.

List prices of Firestore, by which the bench turns documents into dollars.

Standard edition, storage and the free daily part left out; looked up in November 2026.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.benchmarks.statistics import MeasurementPair, summarize_rounds

RESULT_TABLE_HEADER = ("| figure | floor | ours | ratio | target | |", "|---|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class PerformanceTarget:
    """What is wanted of a ratio or a value.

    Attributes:
        limit: The number.
        is_minimum: Whether more is better.
    """

    limit: float
    is_minimum: bool

    def is_met(self, value: float) -> bool:
        """Whether a value will do."""
        return value >= self.limit if self.is_minimum else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_minimum else '≤'} {self.limit:g}"


def require_at_least(limit: float) -> PerformanceTarget:
    """Return the target of a value that should be so large."""
    return PerformanceTarget(limit, is_minimum=True)


def require_at_most(limit: float) -> PerformanceTarget:
    """Return the target of a value that should be so small."""
    return PerformanceTarget(limit, is_minimum=False)


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One figure.

    Attributes:
        name: What was measured.
        value: The ratio to the floor; where there is none, the value itself.
        target: What is wanted of it.
        baseline: The floor's median, None where there is none.
        product: Our median.
        unit: Of both.
        detail: What else was seen, name to number.
    """

    name: str
    value: float
    target: PerformanceTarget
    product: float
    unit: str
    baseline: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.target.is_met(self.value)

    def to_table_row(self) -> str:
        """Return it as a row of the table."""
        baseline = (
            "" if self.baseline is None else f"{format_number(self.baseline)} {self.unit}".rstrip()
        )
        ratio = "" if self.baseline is None else f"{self.value:.2f}"
        product = f"{format_number(self.product)} {self.unit}".rstrip()
        verdict = "met" if self.is_met else "**missed**"
        return f"| {self.name} | {baseline} | {product} | {ratio} | {self.target} | {verdict} |"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "name": self.name,
            "value": self.value,
            "target": str(self.target),
            "met": self.is_met,
            "floor": self.baseline,
            "ours": self.product,
            "unit": self.unit,
            **self.detail,
        }


def build_ratio_result(
    name: str, unit: str, target: PerformanceTarget, pairs: Sequence[MeasurementPair], **detail: Any
) -> BenchmarkResult:
    """Return a figure that is a ratio to its floor, from several rounds.

    Args:
        name: What was measured.
        unit: Of both sides.
        target: What is wanted of the ratio, ours to the floor's.
        pairs: The rounds.
        detail: What else was seen.
    """
    summary = summarize_rounds(pairs)
    rounds = [round(pair.product / pair.baseline, 3) for pair in pairs]
    return BenchmarkResult(
        name,
        summary.ratio,
        target,
        summary.product,
        unit,
        summary.baseline,
        {"rounds": rounds, **detail},
    )


def format_result_table(figures: Sequence[BenchmarkResult]) -> list[str]:
    """Return the lines of the table."""
    return [*RESULT_TABLE_HEADER, *(figure.to_table_row() for figure in figures)]


def format_number(value: float) -> str:
    """Return a number with three digits that count, and no more of it than that."""
    if value >= 100:  # noqa: PLR2004 -- three digits before the point
        return f"{value:,.0f}"
    return f"{value:.3g}"


REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
PERFORMANCE_PAGE = REPOSITORY_ROOT / "docs" / "performance.md"
GROWTH_PLOT_FILE = REPOSITORY_ROOT / "docs" / "images" / "growth.svg"
BENCHMARK_JSON_FILE = REPOSITORY_ROOT / "build" / "bench.json"


def replace_marked_lines(page: str, name: str, lines: Sequence[str]) -> str:
    """Return a page with other lines between a pair of its marks.

    Args:
        page: The page.
        name: The marks': ``<!-- bench: NAME -->`` and ``<!-- bench: end of NAME -->``.
        lines: What is to stand there.

    Raises:
        ValueError: When the page lacks one of the marks.
    """
    begin, end = f"<!-- bench: {name} -->", f"<!-- bench: end of {name} -->"
    before, rest = page[: page.index(begin)], page[page.index(end) :]
    return "\n".join([before + begin, "", *lines, "", rest])


_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 40, 48
_COLORS = ("#1f6feb", "#c2410c")

_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8b949e55}"
    ".even{stroke:#8b949e;stroke-dasharray:4 4}"
)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """What took how long.

    Attributes:
        name: What it is.
        sizes: Numbers of rows, rising.
        seconds: One a size.
    """

    name: str
    sizes: Sequence[float]
    seconds: Sequence[float]

    @property
    def linear_seconds(self) -> float:
        """The seconds of the last size, had all grown evenly from the first."""
        return self.seconds[0] * self.sizes[-1] / self.sizes[0]


@dataclass(frozen=True, slots=True)
class _LogScale:
    """Places on the picture of values between two powers of ten."""

    lowest: int
    highest: int
    start: float
    end: float

    @classmethod
    def from_values(cls, values: Sequence[float], start: float, end: float) -> "_LogScale":
        lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(lowest, max(highest, lowest + 1), start, end)

    def to_position(self, value: float) -> float:
        share = (math.log10(value) - self.lowest) / (self.highest - self.lowest)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def powers_of_ten(self) -> list[float]:
        return [10.0**power for power in range(self.lowest, self.highest + 1)]


def draw_growth_plot(lines: Sequence[PlotLine]) -> str:
    """Return the picture of some lines, each beside the even growth from its first point."""
    x_scale = _LogScale.from_values(
        [size for line in lines for size in line.sizes], _LEFT, _WIDTH - _RIGHT
    )
    seconds = [each for line in lines for each in (*line.seconds, line.linear_seconds)]
    y_scale = _LogScale.from_values(seconds, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>Seconds over rows, both by powers of ten; dashed: even growth</title>",
        f"<style>{_STYLE}</style>",
        *_draw_grid(x_scale, y_scale),
        *(
            part
            for number, line in enumerate(lines)
            for part in _draw_line(line, number, x_scale, y_scale)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _draw_grid(x_scale: _LogScale, y_scale: _LogScale) -> Iterator[str]:
    for size in x_scale.powers_of_ten:
        x = x_scale.to_position(size)
        yield f'<path class="grid" d="M{x} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        yield f'<text x="{x}" y="{_HEIGHT - 26}" text-anchor="middle">{size:,.0f}</text>'
    for seconds in y_scale.powers_of_ten:
        y = y_scale.to_position(seconds)
        yield f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{seconds:g} s</text>'
    yield f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">rows</text>'
    legend_x = _WIDTH - _RIGHT - 130
    yield f'<path class="even" d="M{legend_x} 20h24"/>'
    yield f'<text x="{legend_x + 32}" y="24">even growth</text>'


def _draw_line(
    line: PlotLine, number: int, x_scale: _LogScale, y_scale: _LogScale
) -> Iterator[str]:
    color = _COLORS[number % len(_COLORS)]
    points = [
        (x_scale.to_position(s), y_scale.to_position(t))
        for s, t in zip(line.sizes, line.seconds, strict=True)
    ]
    (x, y), (end, _) = points[0], points[-1]
    end_y = y_scale.to_position(line.linear_seconds)
    yield f'<path class="even" fill="none" d="M{x} {y}L{end} {end_y}"/>'
    path = "L".join(f"{x} {y}" for x, y in points)
    yield f'<path fill="none" stroke="{color}" stroke-width="2" d="M{path}"/>'
    for x, y in points:
        yield f'<circle cx="{x}" cy="{y}" r="4" fill="{color}"/>'
    legend_x = _LEFT + 12 + 180 * number
    yield f'<circle cx="{legend_x}" cy="20" r="5" fill="{color}"/>'
    yield f'<text x="{legend_x + 12}" y="24">{line.name}</text>'


_READS = {"one region": 0.03, "nam5": 0.06}
_WRITES = {"one region": 0.09, "nam5": 0.18}
_DELETES = {"one region": 0.01, "nam5": 0.02}
_OPERATIONS_PER_PRICE = 100_000
_MILLION = 1_000_000


def compute_dollars_per_million(read: int, written: int) -> tuple[float, float]:
    """Return what a million events cost in one region, and in nam5.

    A journal entry is deleted in the end, by its time to live: one delete for each event that
    writes anything.

    Args:
        read: Documents that one event reads.
        written: Documents that it writes.
    """
    deleted = min(written, 1)
    one_region, nam5 = (
        (read * _READS[where] + written * _WRITES[where] + deleted * _DELETES[where])
        * (_MILLION / _OPERATIONS_PER_PRICE)
        for where in _READS
    )
    return one_region, nam5
