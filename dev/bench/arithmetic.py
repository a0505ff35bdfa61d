"""The bench's arithmetic: medians, percentiles, paired ratios and the exponent of growth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median


@dataclass(frozen=True, slots=True)
class Pair:
    """One round: the floor and ours, measured one straight after the other.

    Attributes:
        floor: The floor's value.
        ours: Ours, in the same unit.
    """

    floor: float
    ours: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What several rounds amount to.

    Attributes:
        floor: The floor's median.
        ours: Our median.
        ratio: The median of the rounds' own ratios, ours to floor: what slowed the whole machine
            for a while slowed both sides of a round.
    """

    floor: float
    ours: float
    ratio: float


def summarise(pairs: Sequence[Pair]) -> Summary:
    """Return the medians of some rounds, at least one."""
    return Summary(
        median(pair.floor for pair in pairs),
        median(pair.ours for pair in pairs),
        median(pair.ours / pair.floor for pair in pairs),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of all values do not exceed.

    Args:
        values: At least one.
        share: From 0 to 1, e.g. 0.99.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return k of the law cost = c x size^k that fits best, by least squares of the logarithms.

    Args:
        sizes: At least two, not all equal.
        costs: One a size, positive.
    """
    return linear_regression(list(map(math.log, sizes)), list(map(math.log, costs))).slope
