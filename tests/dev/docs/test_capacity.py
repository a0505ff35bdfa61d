"""The printed formulas are computed, and docs/scale.md contains their results."""

import pytest

from dev.docs import capacity as a
from dev.docs.capacity import (
    CAPACITY_FIGURES,
    SCALE_PAGE,
    SCALE_TABLE_BEGIN,
    compute_figures,
    compute_max_restaurants_by_api,
    compute_max_restaurants_per_invocation,
    evaluate_formula,
    replace_scale_tables,
)
from shared.config import Environment, read_environment


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


@pytest.fixture(scope="module")
def capacity_page() -> str:
    return SCALE_PAGE.read_text()


@pytest.fixture(scope="module")
def prose(capacity_page: str) -> str:
    return " ".join(capacity_page.split())


def test_the_tables_are_current(capacity_page: str) -> None:
    assert replace_scale_tables(capacity_page) == capacity_page, "run `python -m dev scale`"


def test_the_prose_is_current(prose: str) -> None:
    large = compute_figures(100_000)
    reading = (
        large["runs"]
        * (a.EMPTY_RECONCILIATION_READS_WRITES[0] + a.WINDOW_RESERVATIONS)
        / large["reads"]
    )
    assert 0.65 < reading < 0.75  # seven tenths
    for said in (
        f"window of a reconciliation contains {a.WINDOW_RESERVATIONS} reservations",
        f"{a.BOOKINGS_PER_DAY} bookings, each reported by {a.EVENTS_PER_BOOKING} webhooks",
        f"is enough for about {compute_max_restaurants_per_invocation():,} quiet polls",
        f"| about {round(compute_max_restaurants_by_api(), -2):,.0f} | OpenTable's rate",
        f"receives {compute_figures(1_000)['rate']:.1f} calls per second",
        f"OpenTable's rate: {large['rate']:.0f} calls per second",
        f"takes {100_000 / a.RUN_BUDGET_SECONDS:.0f} creations per second",
    ):
        assert said in prose


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        replace_scale_tables(SCALE_TABLE_BEGIN.format("figures"))
