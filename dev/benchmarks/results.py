"""Present results beside baselines and targets: arithmetic, table, JSON, page and plot."""

import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from dev.docs.tables import replace_generated_lines

PERFORMANCE_PAGE = Path("docs", "performance.md")
GROWTH_PLOT_FILE = Path("docs", "images", "growth.svg")
BENCHMARK_JSON_FILE = Path("build", "bench.json")

# The plot, in pixels.
_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 40, 48
_COLORS = ("#1f6feb", "#c2410c")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8b949e55}"
    ".even{stroke:#8b949e;stroke-dasharray:4 4}"
)


@dataclass(frozen=True, slots=True)
class MeasurementPair:
    """One round: baseline and product, measured directly after each other, in the same unit."""

    baseline: float
    product: float


@dataclass(frozen=True, slots=True)
class PerformanceTarget:
    """The target of a ratio or value, a minimum or a maximum."""

    limit: float
    is_minimum: bool

    def is_met(self, value: float) -> bool:
        """Whether a value will do."""
        return value >= self.limit if self.is_minimum else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_minimum else '≤'} {self.limit:g}"


def require_at_least(limit: float) -> PerformanceTarget:
    """Return a target with a minimum."""
    return PerformanceTarget(limit, is_minimum=True)


def require_at_most(limit: float) -> PerformanceTarget:
    """Return a target with a maximum."""
    return PerformanceTarget(limit, is_minimum=False)


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One figure.

    `value` is the ratio to the baseline, or the value itself without one. `baseline` and `product`
    are medians in `unit`.
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
        baseline = ratio = ""
        if self.baseline is not None:
            baseline = f"{format_figure(self.baseline)} {self.unit}".rstrip()
            ratio = f"{self.value:.2f}"
        product = f"{format_figure(self.product)} {self.unit}".rstrip()
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
    """Return a figure as the ratio of product to baseline over several rounds, at least one."""
    # The median of each round's ratio: a slow phase of the machine affects both sides of a round.
    ratios = [pair.product / pair.baseline for pair in pairs]
    return BenchmarkResult(
        name,
        median(ratios),
        target,
        median(pair.product for pair in pairs),
        unit,
        median(pair.baseline for pair in pairs),
        {"rounds": [round(ratio, 3) for ratio in ratios], **detail},
    )


def build_value_result(
    name: str, unit: str, target: PerformanceTarget, value: float, **detail: Any
) -> BenchmarkResult:
    """Return a figure without a baseline."""
    return BenchmarkResult(name, value, target, value, unit, detail=detail)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value not exceeded by at least a share (0 to 1) of all values."""
    sorted_values = sorted(values)
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def fit_growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return k of the best fit of cost = c x size^k, by least squares of the logarithms."""
    return linear_regression(list(map(math.log, sizes)), list(map(math.log, costs))).slope


def format_result_table(figures: Sequence[BenchmarkResult]) -> list[str]:
    """Return the lines of the table."""
    header = ["| figure | floor | product | ratio | target | |", "|---|---|---|---|---|---|"]
    return header + [figure.to_table_row() for figure in figures]


def format_figure(value: float) -> str:
    """Format a number with three significant digits."""
    if value >= 100:  # noqa: PLR2004 -- three digits before the point
        return f"{value:,.0f}"
    return f"{value:.3g}"


def describe_machine() -> str:
    """Return today's date, the number of cores and the version of Python."""
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{datetime.now(UTC):%Y-%m-%d}, {cores}, Python {platform.python_version()}"


def replace_marked_lines(page: str, name: str, lines: Sequence[str]) -> str:
    """Return a page with new lines between two marks.

    The marks are ``<!-- bench: NAME -->`` and ``<!-- bench: end of NAME -->``.
    """
    begin, end = f"<!-- bench: {name} -->", f"<!-- bench: end of {name} -->"
    return replace_generated_lines(page, begin, end, lines)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A line of the plot: seconds by ascending number of rows."""

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
    """Return the SVG plot of some lines, each with linear growth from its first point."""
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
