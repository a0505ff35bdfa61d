"""The arithmetic that is printed is the one that is computed, and comes to what it should."""

import pytest

from dev.scale import assumed as a
from dev.scale.figures import (
    CAPACITY_FIGURES,
    compute_figures,
    compute_max_restaurants_by_api,
    evaluate_formula,
)
from shared.edge.environment import Environment, read_environment


def test_a_rows_arithmetic_is_of_numbers_and_earlier_rows() -> None:
    assert evaluate_formula("N * 3 + tasks / 2", {"N": 10, "tasks": 5}) == 32.5


def test_a_thousand_restaurants_are_polled_2_880_000_times_a_month() -> None:
    assert compute_figures(1_000)["polls"] == 2_880_000


@pytest.mark.parametrize(
    "restaurants,tasks", [(a.FAN_OUT_ABOVE, 0), (a.FAN_OUT_ABOVE + 1, 201 * 120 * 30)]
)
def test_only_above_the_threshold_are_there_tasks(restaurants: int, tasks: int) -> None:
    assert compute_figures(restaurants)["tasks"] == tasks


def test_the_total_is_the_sum_of_all_that_costs() -> None:
    found = compute_figures(1_000)
    dollars = [figure.name for figure in CAPACITY_FIGURES if figure.unit == "$"]
    assert found["total"] == pytest.approx(sum(found[name] for name in dollars[:-2]))


def test_what_grows_with_the_restaurants_grows_in_proportion() -> None:
    small, large = compute_figures(1_000), compute_figures(100_000)
    for name in ("webhooks", "calls", "reads", "writes", "stored", "seconds"):
        assert large[name] == pytest.approx(100 * small[name])


def test_the_limit_of_the_api_is_where_its_share_is_all_of_it() -> None:
    assert compute_figures(round(compute_max_restaurants_by_api()))["share"] == pytest.approx(
        100, abs=0.1
    )


def test_the_settings_are_as_the_code_has_them() -> None:
    environment: Environment = read_environment({})
    assert (environment.fan_out_threshold, environment.max_concurrent_restaurants) == (
        a.FAN_OUT_ABOVE,
        a.RESTAURANTS_AT_ONCE,
    )
    assert environment.run_budget_seconds == a.RUN_BUDGET_SECONDS
    assert environment.lookback_seconds == 86_400 / a.POLLS_PER_DAY  # so two polls list each change
