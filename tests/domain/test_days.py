"""Windows by the restaurant's calendar: requested, or of a backfill."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.domain.days import MAX_WINDOW_DAYS, DateWindow, resolve_backfill_window, resolve_window

ZONE = ZoneInfo("America/New_York")
EVENING = datetime(2026, 3, 15, 2, tzinfo=UTC)  # still the 14th in New York
MARCH = DateWindow(date(2026, 3, 1), date(2026, 3, 31))


def test_the_default_range_is_thirty_days_back_to_a_year_ahead() -> None:
    expected = DateWindow(date(2026, 2, 12), date(2027, 3, 14))
    assert resolve_backfill_window(EVENING, ZONE, None, None) == expected


def test_the_requested_range_is_used_for_a_backfill() -> None:
    assert resolve_backfill_window(EVENING, ZONE, MARCH.start, MARCH.end) == MARCH


def test_the_window_runs_from_yesterday_to_thirty_days_ahead_by_the_restaurants_calendar() -> None:
    expected = DateWindow(date(2026, 3, 13), date(2026, 4, 13))
    assert resolve_window(EVENING, ZONE, None, None) == expected


def test_requested_dates_are_used() -> None:
    assert resolve_window(EVENING, ZONE, MARCH.start, MARCH.end) == MARCH


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


def test_a_window_to_the_last_day_of_the_calendar_is_rejected() -> None:
    with pytest.raises(ValueError, match="a day after it"):
        resolve_window(EVENING, ZONE, date.max, date.max)


def test_the_dates_of_a_window_are_listed_in_order() -> None:
    window = DateWindow(date(2026, 2, 28), date(2026, 3, 1))
    assert window.list_dates() == ["2026-02-28", "2026-03-01"]
