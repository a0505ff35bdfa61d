"""The plot of growth in docs/, as SVG: seconds over rows, both by powers of ten."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
