"""Sums and rates over days, and the days that nobody counted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.pattern_sums import AnalyticsDays, count_parties, missing_spans, summarize
from shared.core.system import ReservationSystem

MONDAY, TUESDAY, NEXT_MONDAY = "2026-03-09", "2026-03-10", "2026-03-16"


def day(own: int = 0, **counts: int) -> dict[ReservationSystem, Counter[str]]:
    return {
        ReservationSystem.OPENTABLE: Counter(counts),
        ReservationSystem.LINEUP: Counter(bookings=own),
    }


def test_only_requested_sources_are_summed() -> None:
    days = {MONDAY: day(own=3, bookings=2), TUESDAY: day(bookings=5)}
    assert summarize(days, ReservationSystem, MONDAY).counts["bookings"] == 10
    assert summarize(days, [ReservationSystem.LINEUP], MONDAY).counts["bookings"] == 3


def test_a_weekday_is_the_sum_of_its_dates() -> None:
    days = {MONDAY: day(covers=2), TUESDAY: day(covers=4), NEXT_MONDAY: day(covers=8)}
    weekly = summarize(days, ReservationSystem, MONDAY).by_weekday
    assert {weekday: counts["covers"] for weekday, counts in weekly.items()} == {1: 10, 2: 4}


def test_cancellations_are_a_share_of_all_bookings() -> None:
    assert (
        summarize(
            {MONDAY: day(bookings=8, cancelled=1)}, ReservationSystem, MONDAY
        ).cancellation_rate
        == 0.125
    )


def test_the_no_show_rate_counts_due_bookings_that_were_not_cancelled() -> None:
    days = {MONDAY: day(bookings=10, cancelled=2, noShows=1), TUESDAY: day(bookings=90)}
    assert summarize(days, ReservationSystem, TUESDAY).no_show_rate == 0.125


@pytest.mark.parametrize("days", [{}, {MONDAY: day()}, {TUESDAY: day(walkIns=1)}])
def test_without_bookings_there_are_no_rates(days: AnalyticsDays) -> None:
    whole = summarize(days, ReservationSystem, NEXT_MONDAY)
    assert (whole.cancellation_rate, whole.no_show_rate) == (None, None)


def test_party_counts_contain_attended_bookings_and_walk_ins() -> None:
    assert count_parties(Counter(bookings=10, cancelled=2, noShows=1, walkIns=4)) == 11


REQUESTED_DAYS = [f"2026-03-{number:02}" for number in range(1, 11)]


def test_consecutive_missing_days_are_one_span() -> None:
    counted = {each: day() for each in REQUESTED_DAYS if each[-1] in "348"}
    assert missing_spans(REQUESTED_DAYS, counted) == [
        ("2026-03-01", "2026-03-02"),
        ("2026-03-05", "2026-03-07"),
        ("2026-03-09", "2026-03-10"),
    ]


@given(st.sets(st.sampled_from(REQUESTED_DAYS)))
def test_every_requested_day_is_counted_or_in_one_missing_span(counted: set[str]) -> None:
    spans = missing_spans(REQUESTED_DAYS, {each: day() for each in counted})
    told = [each for each in REQUESTED_DAYS for first, last in spans if first <= each <= last]
    assert told == [each for each in REQUESTED_DAYS if each not in counted]
