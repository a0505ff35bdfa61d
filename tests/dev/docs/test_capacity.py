"""The printed formulas are computed, and docs/scale.md contains their results."""

import re

import pytest

from dev.bootstrap import ROOT
from dev.docs import capacity as a
from dev.docs.capacity import (
    CAPACITY_FIGURES,
    CapacityFigure,
    compute_figures,
    compute_idle_dollars,
    evaluate_figures,
)
from dev.docs.scale_page import (
    SCALE_PAGE,
    SCALE_TABLE_BEGIN,
    compute_max_restaurants_per_invocation,
    replace_scale_tables,
    simulate_ramp,
)
from shared.config import read_environment
from shared.domain.days import DEFAULT_DAYS_AHEAD
from shared.tasks.fan_out import LISTING_PAGE_SIZE

MAX_RESTAURANTS_BY_API = a.API_CALLS_PER_SECOND / compute_figures(1)["rate"]


def test_a_rows_arithmetic_is_of_numbers_and_earlier_rows() -> None:
    figures = [CapacityFigure("tasks", "", "N / 2"), CapacityFigure("all", "", "N * 3 + tasks / 2")]
    assert evaluate_figures(figures, {"N": 10}) == {"tasks": 5, "all": 32.5}


def test_a_thousand_restaurants_are_polled_2_880_000_times_a_month() -> None:
    assert compute_figures(1_000)["polls"] == 2_880_000


@pytest.mark.parametrize(
    "restaurants,tasks", [(a.FAN_OUT_ABOVE, 0), (a.FAN_OUT_ABOVE + 31, 1_031 * 120 * 30 / 32)]
)
def test_only_above_the_threshold_are_there_tasks(restaurants: int, tasks: int) -> None:
    assert compute_figures(restaurants)["tasks"] == tasks


def test_the_total_is_the_sum_of_all_that_costs() -> None:
    found = compute_figures(1_000)
    dollars = [figure.name for figure in CAPACITY_FIGURES if figure.unit == "$"]
    assert found["total"] == pytest.approx(sum(found[name] for name in dollars[:-2]))


def test_a_quiet_restaurant_costs_no_more_than_promised() -> None:
    assert compute_idle_dollars() <= a.MAX_IDLE_DOLLARS


def test_a_quiet_restaurant_is_cheaper_than_before_with_full_days_too() -> None:
    assert compute_idle_dollars(booked=True) < a.EARLIER_BOOKED_IDLE_DOLLARS / 2


@pytest.mark.parametrize("rate,minutes", [(500, 0), (501, 5), (750, 5), (1_000, 10), (5_000, 30)])
def test_firestore_is_loaded_by_half_more_every_five_minutes(rate: float, minutes: int) -> None:
    assert simulate_ramp(rate) == minutes * 60


def test_what_grows_with_the_restaurants_grows_in_proportion() -> None:
    small, large = compute_figures(1_000), compute_figures(100_000)
    for name in ("webhooks", "calls", "compared", "writes", "stored", "indexed", "seconds"):
        assert large[name] == pytest.approx(100 * small[name])


def test_the_limit_of_the_api_is_where_its_share_is_all_of_it() -> None:
    assert compute_figures(round(MAX_RESTAURANTS_BY_API))["share"] == pytest.approx(100, abs=0.1)


def test_the_settings_are_as_the_code_has_them() -> None:
    environment = read_environment({})
    assert environment.fan_out_threshold == a.FAN_OUT_ABOVE
    assert environment.max_concurrent_restaurants == a.RESTAURANTS_AT_ONCE
    assert environment.restaurants_per_task == a.RESTAURANTS_PER_TASK
    assert environment.near_days_ahead == a.NEAR_DAYS_AHEAD
    assert environment.quiet_poll_minutes == 24 * 60 / a.QUIET_POLLS_PER_DAY
    assert DEFAULT_DAYS_AHEAD == a.FULL_DAYS_AHEAD
    assert environment.run_budget_seconds == a.RUN_BUDGET_SECONDS
    assert environment.lookback_seconds == 86_400 / a.POLLS_PER_DAY  # so two polls list each change
    assert environment.journal_retention_days == a.RETENTION_DAYS
    assert environment.report_retention_days == a.REPORT_RETENTION_DAYS
    assert a.HOURLY_PER_DAY + a.NIGHTLY_PER_DAY == a.RECONCILIATIONS_PER_DAY


def test_as_many_backups_are_kept_as_infra_says() -> None:
    variables = (ROOT / "infra" / "variables.tf").read_text()
    retention = r'"(?:daily|weekly)_backup_retention_\w+" \{.*?default\s+= (\d+)'
    kept = re.findall(retention, variables, re.DOTALL)
    assert len(kept) == 2
    assert sum(map(int, kept)) == a.BACKUP_COPIES


def test_the_tables_are_current() -> None:
    page = SCALE_PAGE.read_text()
    assert replace_scale_tables(page) == page, "run `python -m dev scale`"


def test_the_prose_is_current() -> None:
    prose = " ".join(SCALE_PAGE.read_text().split())
    large = compute_figures(100_000)
    assert 0.5 < large["compared"] / large["reads"] < 0.6  # over half
    assert 0.45 < large["backups"] / large["total"] < 0.55  # half
    for sentence in (
        f"nightly reconciliation contains {a.WINDOW_RESERVATIONS} reservations",
        f"that of an hourly one {a.NEAR_RESERVATIONS},",
        f"{a.BOOKINGS_PER_DAY} bookings, each reported by {a.EVENTS_PER_BOOKING} webhooks",
        f"polls of {a.POLL_SECONDS:g} seconds on average",
        f"is enough for about {compute_max_restaurants_per_invocation():,} quiet polls",
        f"| about {round(MAX_RESTAURANTS_BY_API, -2):,.0f} | OpenTable's rate",
        f"receives {compute_figures(1_000)['rate']:.1f} calls per second",
        f"OpenTable's rate: {large['rate']:.0f} calls per second",
        f"{100_000 // LISTING_PAGE_SIZE} pages per tick",
        f"Enqueueing {100_000 // a.RESTAURANTS_PER_TASK:,} tasks",
        f"= {500 / 2 / a.WINDOW_RESERVATIONS * 60:.0f} restaurants per minute",
        f"{a.RESERVATION_INDEX_BYTES:,} bytes of index entries",
        f"journal entries {a.ENTRY_INDEX_BYTES}.",
    ):
        assert sentence in prose


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        replace_scale_tables(SCALE_TABLE_BEGIN.format("figures"))
