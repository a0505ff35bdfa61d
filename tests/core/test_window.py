from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.core.window import MAX_WINDOW_DAYS, DateWindow, resolve_window

NEW_YORK = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 3, 15, 2, tzinfo=UTC)  # still the 14th in New York


def test_the_window_runs_from_yesterday_to_thirty_days_ahead_by_the_restaurants_calendar() -> None:
    assert resolve_window(NIGHT, NEW_YORK, None, None) == DateWindow(
        date(2026, 3, 13), date(2026, 4, 13)
    )


def test_requested_dates_are_used() -> None:
    asked = date(2026, 1, 1), date(2026, 1, 2)
    assert resolve_window(NIGHT, NEW_YORK, *asked) == DateWindow(*asked)


def test_an_end_before_yesterday_is_a_window_of_its_own() -> None:
    end = date(2026, 1, 1)
    assert resolve_window(NIGHT, NEW_YORK, None, end) == DateWindow(end, end)


def test_a_start_beyond_the_usual_end_is_a_window_of_its_own() -> None:
    start = date(2026, 9, 1)
    assert resolve_window(NIGHT, NEW_YORK, start, None) == DateWindow(start, start)


def test_a_window_of_one_day_and_the_largest_are_taken() -> None:
    day = date(2026, 1, 1)
    assert DateWindow(day, day).end == day
    assert DateWindow(day, day + timedelta(days=MAX_WINDOW_DAYS)).start == day


@pytest.mark.parametrize("days", [-1, MAX_WINDOW_DAYS + 1])
def test_a_window_turned_round_or_too_large_is_refused(days: int) -> None:
    day = date(2026, 1, 1)
    with pytest.raises(ValueError, match="endDate must be startDate or up to"):
        DateWindow(day, day + timedelta(days=days))


def test_its_days_run_from_the_first_to_the_last() -> None:
    window = DateWindow(date(2026, 2, 28), date(2026, 3, 1))
    assert window.list_dates() == ["2026-02-28", "2026-03-01"]
