"""The plot of growth in docs/, as SVG: seconds over rows, both by powers of ten."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 40, 48
_COLOURS = ("#1f6feb", "#c2410c")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8b949e55}"
    ".even{stroke:#8b949e;stroke-dasharray:4 4}"
)


@dataclass(frozen=True, slots=True)
class Line:
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
    def even(self) -> float:
        """The seconds of the last size, had all grown evenly from the first."""
        return self.seconds[0] * self.sizes[-1] / self.sizes[0]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Places on the picture of values between two powers of ten."""

    lowest: int
    highest: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Scale":
        lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(lowest, max(highest, lowest + 1), start, end)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.lowest) / (self.highest - self.lowest)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def powers(self) -> list[float]:
        return [10.0**power for power in range(self.lowest, self.highest + 1)]


def draw(lines: Sequence[Line]) -> str:
    """Return the picture of some lines, each beside the even growth from its first point."""
    across = _Scale.over([size for line in lines for size in line.sizes], _LEFT, _WIDTH - _RIGHT)
    seconds = [each for line in lines for each in (*line.seconds, line.even)]
    up = _Scale.over(seconds, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        "<title>Seconds over rows, both by powers of ten; dashed: even growth</title>",
        f"<style>{_STYLE}</style>",
        *_grid(across, up),
        *(part for number, line in enumerate(lines) for part in _line(line, number, across, up)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(across: _Scale, up: _Scale) -> Iterator[str]:
    for size in across.powers:
        x = across.place(size)
        yield f'<path class="grid" d="M{x} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        yield f'<text x="{x}" y="{_HEIGHT - 26}" text-anchor="middle">{size:,.0f}</text>'
    for seconds in up.powers:
        y = up.place(seconds)
        yield f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{seconds:g} s</text>'
    yield f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">rows</text>'
    key = _WIDTH - _RIGHT - 130
    yield f'<path class="even" d="M{key} 20h24"/><text x="{key + 32}" y="24">even growth</text>'


def _line(line: Line, number: int, across: _Scale, up: _Scale) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(across.place(s), up.place(t)) for s, t in zip(line.sizes, line.seconds, strict=True)]
    (x, y), (end, _) = places[0], places[-1]
    yield f'<path class="even" fill="none" d="M{x} {y}L{end} {up.place(line.even)}"/>'
    drawn = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{drawn}"/>'
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
    key = _LEFT + 12 + 180 * number
    yield f'<circle cx="{key}" cy="20" r="5" fill="{colour}"/>'
    yield f'<text x="{key + 12}" y="24">{line.name}</text>'
