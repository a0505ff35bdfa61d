"""The bench's arithmetic: medians, percentiles, paired ratios and the exponent of growth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median


@dataclass(frozen=True, slots=True)
class MeasurementPair:
    """One round: baseline and product, measured directly after each other, in the same unit."""

    baseline: float
    product: float


@dataclass(frozen=True, slots=True)
class MeasurementSummary:
    """Medians of several rounds.

    `ratio` is the median of each round's ratio: a slow phase of the machine affects both sides of a
    round.
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
    """Return the smallest value not exceeded by at least a share (0 to 1) of all values."""
    sorted_values = sorted(values)
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def fit_growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return k of the best fit of cost = c x size^k, by least squares of the logarithms."""
    return linear_regression(list(map(math.log, sizes)), list(map(math.log, costs))).slope
