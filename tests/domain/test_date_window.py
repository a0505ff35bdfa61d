"""Windows by the restaurant's calendar: requested, of a backfill, or of a scheduled run."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.date_window import (
    MAX_WINDOW_DAYS,
    DateWindow,
    covers_full_window,
    resolve_backfill_window,
    resolve_scheduled_window,
    resolve_window,
)

ZONE = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 3, 14, 7, tzinfo=UTC)  # 3:00 in New York
HOUR = timedelta(hours=1)
EVENING = datetime(2026, 3, 15, 2, tzinfo=UTC)  # still the 14th in New York
MARCH = DateWindow(date(2026, 3, 1), date(2026, 3, 31))


def test_the_default_range_is_thirty_days_back_to_a_year_ahead() -> None:
    assert resolve_backfill_window(EVENING, ZONE, None, None) == DateWindow(
        date(2026, 2, 12), date(2027, 3, 14)
    )


def test_the_requested_range_is_used_for_a_backfill() -> None:
    assert resolve_backfill_window(EVENING, ZONE, MARCH.start, MARCH.end) == MARCH


def test_the_window_runs_from_yesterday_to_thirty_days_ahead_by_the_restaurants_calendar() -> None:
    assert resolve_window(EVENING, ZONE, None, None) == DateWindow(
        date(2026, 3, 13), date(2026, 4, 13)
    )


def test_requested_dates_are_used() -> None:
    start, end = date(2026, 1, 1), date(2026, 1, 2)
    assert resolve_window(EVENING, ZONE, start, end) == DateWindow(start, end)


def test_an_end_before_yesterday_is_the_start_too() -> None:
    end = date(2026, 1, 1)
    assert resolve_window(EVENING, ZONE, None, end) == DateWindow(end, end)


def test_a_start_after_the_default_end_is_the_end_too() -> None:
    start = date(2026, 9, 1)
    assert resolve_window(EVENING, ZONE, start, None) == DateWindow(start, start)


def test_the_shortest_and_the_longest_window_are_valid() -> None:
    day = date(2026, 1, 1)
    assert DateWindow(day, day).end == day
    assert DateWindow(day, day + timedelta(days=MAX_WINDOW_DAYS)).start == day


@pytest.mark.parametrize("days", [-1, MAX_WINDOW_DAYS + 1])
def test_a_reversed_or_too_long_window_is_rejected(days: int) -> None:
    day = date(2026, 1, 1)
    with pytest.raises(ValueError, match="The end date must be on or after the start date"):
        DateWindow(day, day + timedelta(days=days))


def test_the_dates_of_a_window_are_listed_in_order() -> None:
    window = DateWindow(date(2026, 2, 28), date(2026, 3, 1))
    assert window.list_dates() == ["2026-02-28", "2026-03-01"]


def make_document(completed_at: object, cursor: object, **state: object) -> dict[str, Any]:
    return {
        "restaurantId": "7",
        "poll": {"cursor": cursor, "rid": "7"},
        "reconciliation": {"lastFullAt": completed_at, "timeZone": "America/New_York", **state},
    }


def is_full(document: dict[str, Any], now: datetime) -> bool:
    return covers_full_window(resolve_scheduled_window(document, ZONE, now, 2), ZONE, now)


@pytest.mark.parametrize(
    "now,full",
    [
        (NIGHT - timedelta(seconds=1), False),
        (NIGHT, True),
        (NIGHT + 20 * HOUR, True),
        (NIGHT - 23 * HOUR, False),
    ],
)
def test_all_days_are_compared_once_after_three_in_the_night(now: datetime, full: bool) -> None:
    completed_at = NIGHT - 24 * HOUR
    assert is_full(make_document(completed_at, now), now) is full


def test_an_hourly_run_compares_yesterday_to_the_near_days_ahead() -> None:
    now = NIGHT + HOUR
    window = resolve_scheduled_window(make_document(NIGHT, now), ZONE, now, 2)
    assert (window.start.isoformat(), window.end.isoformat()) == ("2026-03-13", "2026-03-16")


@pytest.mark.parametrize(
    "document",
    [
        {},
        make_document(None, NIGHT),
        make_document("last night", NIGHT),
        make_document(NIGHT + 24 * HOUR, NIGHT + HOUR),
        make_document(NIGHT, NIGHT + 24 * HOUR),
        make_document(NIGHT, None),
        make_document(NIGHT, NIGHT - timedelta(minutes=1)),
        make_document(NIGHT, NIGHT + HOUR, timeZone="Europe/London"),
        {**make_document(NIGHT, NIGHT + HOUR), "restaurantId": "8"},
    ],
)
def test_all_days_are_compared_without_a_full_run_a_recent_poll_or_the_same_zone(
    document: dict[str, Any],
) -> None:
    assert is_full(document, NIGHT + HOUR)


@given(
    now=st.integers(0, 366 * 24 * 60).map(lambda minutes: NIGHT + timedelta(minutes=minutes)),
    zone=st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]),
    hours=st.integers(25, 72),
    near=st.integers(0, 30),
)
def test_no_day_waits_longer_than_a_day_for_its_comparison(
    now: datetime, zone: str, hours: int, near: int
) -> None:
    document = make_document(now - hours * HOUR, now, timeZone=zone)
    window = resolve_scheduled_window(document, ZoneInfo(zone), now, near)
    assert window == resolve_window(now, ZoneInfo(zone), None, None)


def test_the_near_days_are_part_of_the_full_window() -> None:
    now = NIGHT + HOUR
    window = resolve_scheduled_window(make_document(NIGHT, now), ZONE, now, 30)
    assert window == resolve_window(now, ZONE, None, None)
    assert not covers_full_window(DateWindow(window.start, window.start), ZONE, now)
