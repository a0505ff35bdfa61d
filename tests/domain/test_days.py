"""Windows by the restaurant's calendar, and the service day of each reservation."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.days import (
    MAX_WINDOW_DAYS,
    DateWindow,
    ServiceDay,
    find_service_date,
    resolve_backfill_window,
    resolve_window,
)
from shared.domain.normalization.field_values import format_local_date, format_utc

NEW_YORK = ZoneInfo("America/New_York")
EVENING = datetime(2026, 3, 15, 2, tzinfo=UTC)  # still the 14th in New York
MARCH = DateWindow(date(2026, 3, 1), date(2026, 3, 31))


def test_the_default_range_is_thirty_days_back_to_a_year_ahead() -> None:
    expected = DateWindow(date(2026, 2, 12), date(2027, 3, 14))
    assert resolve_backfill_window(EVENING, NEW_YORK, None, None) == expected


def test_the_requested_range_is_used_for_a_backfill() -> None:
    assert resolve_backfill_window(EVENING, NEW_YORK, MARCH.start, MARCH.end) == MARCH


def test_the_window_runs_from_yesterday_to_thirty_days_ahead_by_the_restaurants_calendar() -> None:
    expected = DateWindow(date(2026, 3, 13), date(2026, 4, 13))
    assert resolve_window(EVENING, NEW_YORK, None, None) == expected


def test_requested_dates_are_used() -> None:
    assert resolve_window(EVENING, NEW_YORK, MARCH.start, MARCH.end) == MARCH


def test_an_end_before_yesterday_is_the_start_too() -> None:
    end = date(2026, 1, 1)
    assert resolve_window(EVENING, NEW_YORK, None, end) == DateWindow(end, end)


def test_a_start_after_the_default_end_is_the_end_too() -> None:
    start = date(2026, 9, 1)
    assert resolve_window(EVENING, NEW_YORK, start, None) == DateWindow(start, start)


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
        resolve_window(EVENING, NEW_YORK, date.max, date.max)


def test_the_dates_of_a_window_are_listed_in_order() -> None:
    window = DateWindow(date(2026, 2, 28), date(2026, 3, 1))
    assert window.list_dates() == ["2026-02-28", "2026-03-01"]


FOUR = time(4)


def service_date(local: str, ends_at: time = FOUR, zone: ZoneInfo = NEW_YORK) -> str | None:
    """Return the service date of a reservation at a local time."""
    start = datetime.fromisoformat(local).replace(tzinfo=zone)
    return find_service_date(format_local_date(start, zone), format_utc(start), ends_at, zone)


@pytest.mark.parametrize(
    "local, expected",
    [
        ("2026-11-28T19:00", "2026-11-28"),
        ("2026-11-28T23:59", "2026-11-28"),
        ("2026-11-29T00:00", "2026-11-28"),
        ("2026-11-29T00:30", "2026-11-28"),
        ("2026-11-29T03:59", "2026-11-28"),
        ("2026-11-29T04:00", "2026-11-29"),
        ("2026-03-01T00:30", "2026-02-28"),
        ("2027-01-01T00:30", "2026-12-31"),
        # The nights of the clock changes.
        ("2026-03-08T03:30", "2026-03-07"),
        ("2026-03-08T04:00", "2026-03-08"),
        ("2026-11-01T01:30", "2026-10-31"),
        ("2026-11-01T04:00", "2026-11-01"),
    ],
)
def test_a_time_after_midnight_belongs_to_the_evening_before(local: str, expected: str) -> None:
    assert service_date(local) == expected


@pytest.mark.parametrize(
    "zone, ends_at, local, expected",
    [
        # The clocks go from 02:00 to 03:00.
        ("America/New_York", time(2, 30), "2026-03-08T01:59", "2026-03-07"),
        ("America/New_York", time(2, 30), "2026-03-08T03:00", "2026-03-08"),
        ("America/New_York", time(2), "2026-03-08T03:00", "2026-03-08"),
        # From 02:00 to 02:30.
        ("Australia/Lord_Howe", time(2, 15), "2026-10-04T01:59", "2026-10-03"),
        ("Australia/Lord_Howe", time(2, 15), "2026-10-04T02:30", "2026-10-04"),
        # From 00:00 to 01:00.
        ("America/Havana", time(0), "2026-03-08T01:00", "2026-03-08"),
        ("America/Havana", time(0, 45), "2026-03-08T01:00", "2026-03-08"),
        ("Asia/Beirut", time(0), "2026-03-29T01:00", "2026-03-29"),
        # From 24:00 of the day before to 23:00: midnight comes once.
        ("America/Santiago", time(0), "2026-04-05T00:00", "2026-04-05"),
        ("America/Santiago", time(0, 30), "2026-04-04T23:30", "2026-04-04"),
    ],
)
def test_a_day_that_ends_in_a_skipped_time_ends_with_the_clock_change(
    zone: str, ends_at: time, local: str, expected: str
) -> None:
    assert service_date(local, ends_at, ZoneInfo(zone)) == expected


def test_an_end_at_midnight_is_the_calendar_day() -> None:
    assert service_date("2026-11-29T00:00", time(0)) == "2026-11-29"


@pytest.mark.parametrize("start_at", [None, 7, "", "19:00"])
def test_a_reservation_without_a_readable_time_stays_on_its_date(start_at: object) -> None:
    expected = "2026-11-28" if start_at in {"", "19:00"} else "2026-11-29"
    assert find_service_date("2026-11-29", start_at, FOUR, NEW_YORK) == expected


@pytest.mark.parametrize("local_date", [None, "today", "2026-02-30"])
def test_a_date_of_another_program_is_left_as_it_is(local_date: str | None) -> None:
    assert find_service_date(local_date, "2026-11-29T05:00:00Z", FOUR, NEW_YORK) == local_date


def test_the_date_of_a_service_day_is_local() -> None:
    # 5:00 on the next day in Tokyo.
    instant = datetime(2026, 11, 28, 20, tzinfo=UTC)
    assert ServiceDay.at(instant, FOUR, ZoneInfo("Asia/Tokyo")).date == date(2026, 11, 29)


def test_the_present_service_day_ends_at_its_hour() -> None:
    ending = datetime(2026, 11, 29, 4, tzinfo=NEW_YORK)
    before = ServiceDay.at(ending - timedelta(seconds=1), FOUR, NEW_YORK)
    assert before.date == date(2026, 11, 28)
    assert ServiceDay.at(ending, FOUR, NEW_YORK).date == date(2026, 11, 29)


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Kiritimati"])
def test_the_ends_of_the_calendar_have_a_service_day(day: date, zone: str) -> None:
    service_day = ServiceDay(day, FOUR, ZoneInfo(zone))
    neighbors = (service_day.previous(), service_day, service_day.next())
    assert all(isinstance(neighbor.start_text, str) for neighbor in neighbors)


zones = st.sampled_from(
    [
        *("America/New_York", "America/Havana", "America/Santiago", "Asia/Beirut", "Asia/Kolkata"),
        *("Australia/Lord_Howe", "Europe/Helsinki", "Europe/London", "UTC"),
    ]
).map(ZoneInfo)
instants = st.integers(1_577_836_800, 1_893_456_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
ends = st.sampled_from([time(0), time(0, 30), time(2, 30), time(3, 30), FOUR, time(11, 59)])


@given(instant=instants, ends_at=ends, zone=zones)
def test_exactly_one_service_day_shows_a_reservation(
    instant: datetime, ends_at: time, zone: ZoneInfo
) -> None:
    start_at, local_date = format_utc(instant), format_local_date(instant, zone)
    shown_on = []
    for offset in range(-2, 3):
        date_ = date.fromisoformat(local_date) + timedelta(days=offset)
        day = ServiceDay(date_, ends_at, zone)
        is_of_its_date = day.date.isoformat() == local_date and not day.starts_after(start_at)
        next_day = day.next()
        is_after_midnight = next_day.date.isoformat() == local_date and next_day.starts_after(
            start_at
        )
        if is_of_its_date or is_after_midnight:
            shown_on.append(day.date)
    assert shown_on == [ServiceDay.at(instant, ends_at, zone).date]
    assert find_service_date(local_date, start_at, ends_at, zone) == shown_on[0].isoformat()
