"""The bench's arithmetic: medians, percentiles, paired ratios and the exponent of growth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median


@dataclass(frozen=True, slots=True)
class MeasurementPair:
    """One round: the floor and ours, measured one straight after the other.

    Attributes:
        baseline: The floor's value.
        product: Ours, in the same unit.
    """

    baseline: float
    product: float


@dataclass(frozen=True, slots=True)
class MeasurementSummary:
    """What several rounds amount to.

    Attributes:
        baseline: The floor's median.
        product: Our median.
        ratio: The median of the rounds' own ratios, ours to floor: what slowed the whole machine
            for a while slowed both sides of a round.
    """

    baseline: float
    product: float
    ratio: float


def summarize_rounds(pairs: Sequence[MeasurementPair]) -> MeasurementSummary:
    """Return the medians of some rounds, at least one."""
    return MeasurementSummary(
        median(pair.baseline for pair in pairs),
        median(pair.product for pair in pairs),
        median(pair.product / pair.baseline for pair in pairs),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of all values do not exceed.

    Args:
        values: At least one.
        share: From 0 to 1, e.g. 0.99.
    """
    sorted_values = sorted(values)
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def fit_growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return k of the law cost = c x size^k that fits best, by least squares of the logarithms.

    Args:
        sizes: At least two, not all equal.
        costs: One a size, positive.
    """
    return linear_regression(list(map(math.log, sizes)), list(map(math.log, costs))).slope
