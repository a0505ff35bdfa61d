"""docs/scale.md says what the arithmetic and the simulation come to."""

import pytest

from dev.scale import assumed as a
from dev.scale.figures import most_by_the_api, values
from dev.scale.page import BEGIN, PAGE, most_in_one_invocation, with_tables


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


@pytest.fixture(scope="module")
def prose(page: str) -> str:
    return " ".join(page.split())


def test_the_tables_are_current(page: str) -> None:
    assert with_tables(page) == page, "run `python -m dev scale`"


def test_the_prose_is_current(prose: str) -> None:
    large = values(100_000)
    reading = large["runs"] * (a.QUIET_RECONCILIATION[0] + a.WINDOW) / large["reads"]
    assert 0.65 < reading < 0.75  # seven tenths
    for said in (
        f"whose window holds {a.WINDOW} reservations",
        f"{a.BOOKINGS} bookings, each told by {a.EVENTS} webhooks",
        f"holds about {most_in_one_invocation():,} quiet polls",
        f"Beyond about {round(most_by_the_api(), -2):,.0f}**",
        f"is asked {values(1_000)['rate']:.1f} times a second",
        f"by far: {large['rate']:.0f} calls a second",
        f"takes {100_000 / a.BUDGET_SECONDS:.0f} creations a second",
    ):
        assert said in prose


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        with_tables(BEGIN.format("figures"))
