"""The statistics of a benchmark, without measuring time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    fit_growth_exponent,
    percentile,
    require_at_most,
)

positive = st.floats(0.001, 1e6)


def compare(*rounds: tuple[float, float]) -> BenchmarkResult:
    """Return the result of rounds of baseline and product."""
    pairs = [MeasurementPair(*each) for each in rounds]
    return build_ratio_result("any", "s", require_at_most(1), pairs)


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    result = compare((100, 90), (10, 10), (200, 100))
    assert (result.baseline, result.product, result.value) == (100, 90, 0.9)


@given(st.lists(st.tuples(positive, st.floats(0.1, 10)), min_size=1))
def test_what_slows_both_sides_of_a_round_leaves_the_ratio(
    rounds: list[tuple[float, float]],
) -> None:
    slowed = [(floor * slow, floor * slow * 2) for floor, slow in rounds]
    assert compare(*slowed).value == pytest.approx(2)


@pytest.mark.parametrize(
    "share, value", [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_percentile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7


@given(st.floats(0.5, 2), positive)
def test_the_exponent_of_a_law_is_found(k: float, factor: float) -> None:
    sizes = [1_000, 10_000, 100_000]
    assert fit_growth_exponent(sizes, [factor * size**k for size in sizes]) == pytest.approx(k)


def test_what_is_even_has_the_exponent_one() -> None:
    assert fit_growth_exponent([1, 2, 3], [5, 10, 15]) == pytest.approx(1)
