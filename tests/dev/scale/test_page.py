"""docs/scale.md says what the arithmetic and the simulation come to."""

import pytest

from dev.scale import assumed as a
from dev.scale.figures import compute_figures, compute_max_restaurants_by_api
from dev.scale.page import (
    SCALE_PAGE,
    SCALE_TABLE_BEGIN,
    compute_max_restaurants_per_invocation,
    replace_scale_tables,
)


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
        f"whose window holds {a.WINDOW_RESERVATIONS} reservations",
        f"{a.BOOKINGS_PER_DAY} bookings, each told by {a.EVENTS_PER_BOOKING} webhooks",
        f"holds about {compute_max_restaurants_per_invocation():,} quiet polls",
        f"Beyond about {round(compute_max_restaurants_by_api(), -2):,.0f}**",
        f"is asked {compute_figures(1_000)['rate']:.1f} times a second",
        f"by far: {large['rate']:.0f} calls a second",
        f"takes {100_000 / a.RUN_BUDGET_SECONDS:.0f} creations a second",
    ):
        assert said in prose


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        replace_scale_tables(SCALE_TABLE_BEGIN.format("figures"))
