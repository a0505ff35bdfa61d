"""What the bench finds: figures beside their floors and targets, as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.bench.arithmetic import Pair, summarise

HEAD = ("| figure | floor | ours | ratio | target | |", "|---|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of a ratio or a value.

    Attributes:
        limit: The number.
        at_least: Whether more is better.
    """

    limit: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        """Whether a value will do."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def at_least(limit: float) -> Target:
    """Return the target of a value that should be so large."""
    return Target(limit, at_least=True)


def at_most(limit: float) -> Target:
    """Return the target of a value that should be so small."""
    return Target(limit, at_least=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: What was measured.
        value: The ratio to the floor; where there is none, the value itself.
        target: What is wanted of it.
        floor: The floor's median, None where there is none.
        ours: Our median.
        unit: Of both.
        detail: What else was seen, name to number.
    """

    name: str
    value: float
    target: Target
    ours: float
    unit: str
    floor: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.target.is_met(self.value)

    def row(self) -> str:
        """Return it as a row of the table."""
        floor = "" if self.floor is None else f"{number(self.floor)} {self.unit}".rstrip()
        ratio = "" if self.floor is None else f"{self.value:.2f}"
        ours = f"{number(self.ours)} {self.unit}".rstrip()
        met = "met" if self.is_met else "**missed**"
        return f"| {self.name} | {floor} | {ours} | {ratio} | {self.target} | {met} |"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "name": self.name,
            "value": self.value,
            "target": str(self.target),
            "met": self.is_met,
            "floor": self.floor,
            "ours": self.ours,
            "unit": self.unit,
            **self.detail,
        }


def ratio_figure(
    name: str, unit: str, target: Target, pairs: Sequence[Pair], **detail: Any
) -> Figure:
    """Return a figure that is a ratio to its floor, from several rounds.

    Args:
        name: What was measured.
        unit: Of both sides.
        target: What is wanted of the ratio, ours to the floor's.
        pairs: The rounds.
        detail: What else was seen.
    """
    told = summarise(pairs)
    rounds = [round(pair.ours / pair.floor, 3) for pair in pairs]
    return Figure(
        name, told.ratio, target, told.ours, unit, told.floor, {"rounds": rounds, **detail}
    )


def table(figures: Sequence[Figure]) -> list[str]:
    """Return the lines of the table."""
    return [*HEAD, *(figure.row() for figure in figures)]


def number(value: float) -> str:
    """Return a number with three digits that count, and no more of it than that."""
    if value >= 100:  # noqa: PLR2004 -- three digits before the point
        return f"{value:,.0f}"
    return f"{value:.3g}"
