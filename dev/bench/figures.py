"""What the bench finds: figures beside their floors and targets, as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.bench.arithmetic import MeasurementPair, summarize_rounds

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
