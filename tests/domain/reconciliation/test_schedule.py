"""The near days are compared every hour; all days every night, or while polls leave gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.backfill import DateWindow, resolve_window
from shared.domain.reconciliation.schedule import covers_full_window, resolve_scheduled_window

ZONE = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 3, 14, 7, tzinfo=UTC)  # 3:00 in New York
HOUR = timedelta(hours=1)


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
