"""When a restaurant is polled, and which days a scheduled reconciliation compares."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.days import DateWindow, resolve_window
from shared.domain.health import has_proven_webhooks
from shared.domain.schedule import (
    covers_full_window,
    is_poll_due,
    poll_cursor_from_document,
    poll_cursor_to_map,
    resolve_scheduled_window,
)
from shared.domain.validation import nest_fields
from tests.strategies.events import NOON

ZONE = ZoneInfo("America/New_York")
NIGHT = datetime(2026, 3, 14, 7, tzinfo=UTC)  # 3:00 in New York
HOUR = timedelta(hours=1)
HALF_HOUR = timedelta(minutes=30)


def quiet_document(**changes: object) -> dict[str, object]:
    """Return the settings of a quiet restaurant with proven webhooks, last polled at noon.

    `changes` are dotted paths with two underscores for a dot.
    """
    fields: dict[str, object] = {
        "restaurantId": "7",
        "webhookAuth": ["bearer"],
        "updatedAt": NOON - timedelta(days=9),
        "poll.cursor": NOON,
        "poll.rid": "7",
        "poll.lastStartedAt": NOON,
        "poll.lastOutcome": "ok",
        "poll.foundChanges": False,
        "poll.webhooksProvenAt": NOON - timedelta(days=2),
    }
    return nest_fields(fields | {name.replace("__", "."): value for name, value in changes.items()})


@pytest.mark.parametrize("minutes,due", [(0, False), (15, False), (16, True), (30, True)])
def test_a_quiet_restaurant_with_proven_webhooks_is_due_at_every_second_call(
    minutes: int, due: bool
) -> None:
    assert is_poll_due(quiet_document(), NOON + timedelta(minutes=minutes), HALF_HOUR) is due


@pytest.mark.parametrize("interval", [0, 15])
def test_a_quiet_restaurant_is_due_at_every_call_with_a_short_interval(interval: int) -> None:
    minute = timedelta(minutes=1)
    assert is_poll_due(quiet_document(), NOON + 14 * minute, interval * minute)


@pytest.mark.parametrize(
    "changes",
    [
        {"poll__foundChanges": True},
        {"poll__foundChanges": None},
        {"poll__lastOutcome": "error"},
        {"poll__lastStartedAt": None},
        {"poll__lastStartedAt": NOON + HOUR},
        {"poll__cursor": None},
        {"poll__rid": "8"},
        {"backfill__status": "RUNNING"},
        {"guestFailures__retryAt": NOON + timedelta(minutes=14)},
        {"guestFailures__retryAt": NOON + timedelta(minutes=15)},
        {"updatedAt": NOON + timedelta(minutes=1)},
        {"updatedAt": NOON, "poll__webhooksProvenAt": NOON + timedelta(minutes=1)},
        {"poll__webhooksProvenAt": None},
        {"poll": 5},
    ],
)
def test_a_restaurant_with_work_or_in_doubt_is_due_at_every_call(changes: dict[str, Any]) -> None:
    assert is_poll_due(quiet_document(**changes), NOON + timedelta(minutes=15), HALF_HOUR)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhookAuth": []},
        {"webhookAuth": None},
        {"poll__webhooksProvenAt": None},
        {"poll__webhooksProvenAt": "yesterday"},
        {"poll__webhooksProvenAt": NOON + 1000 * HOUR},
        {"credentialsChangedAt": NOON - HOUR},
        {"credentialsChangedAt": NOON - timedelta(days=2)},
        {"updatedAt": NOON - HOUR},
        {"poll__lastMissedAt": NOON - HOUR},
        {"poll__lastMissedAt": NOON - 30 * HOUR},
        {"poll__missedRuns": 1, "poll__missedSince": NOON - HOUR},
        {"poll__problems": ["webhookAuth accepts basic, but the secret has none."]},
    ],
)
def test_webhooks_are_unproven_without_a_delivery_after_the_last_miss_or_change(
    changes: dict[str, object],
) -> None:
    assert has_proven_webhooks(quiet_document(), NOON)
    assert not has_proven_webhooks(quiet_document(**changes), NOON)


def test_webhooks_count_as_unreliable_for_a_day_after_a_miss() -> None:
    document = quiet_document(poll__lastMissedAt=NOON, poll__webhooksProvenAt=NOON + HOUR)
    assert not has_proven_webhooks(document, NOON + 23 * HOUR)
    assert has_proven_webhooks(document, NOON + 24 * HOUR)


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
    assert is_full(make_document(NIGHT - 24 * HOUR, now), now) is full


def test_a_night_without_a_full_run_is_made_up_for_before_the_next_night() -> None:
    now = NIGHT - HOUR
    assert is_full(make_document(NIGHT - 30 * HOUR, now), now)


@pytest.mark.parametrize("now", [NIGHT + HOUR, NIGHT + 19 * HOUR])  # 4:00 and 22:00 in New York
def test_an_hourly_run_compares_yesterday_to_the_near_days_ahead(now: datetime) -> None:
    window = resolve_scheduled_window(make_document(NIGHT, now - HOUR), ZONE, now, 2)
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


def stored_cursor(**poll: object) -> datetime | None:
    """Return the cursor as read an hour after noon from the state of a restaurant's polls."""
    return poll_cursor_from_document({"restaurantId": "7", "poll": poll}, NOON + HOUR)


def test_a_restaurant_without_a_poll_has_no_cursor() -> None:
    assert stored_cursor(lastOutcome="error") is None
    assert poll_cursor_from_document({"restaurantId": "7"}, NOON) is None


def test_a_cursor_is_read_back_unchanged() -> None:
    assert stored_cursor(**poll_cursor_to_map("7", NOON)) == NOON


def test_a_cursor_of_an_instance_with_a_faster_clock_is_read() -> None:
    cursor = NOON + HOUR + timedelta(minutes=5)
    assert stored_cursor(cursor=cursor) == cursor


@pytest.mark.parametrize(
    "cursor",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime(1999, 12, 31, tzinfo=UTC),
        NOON + HOUR + timedelta(minutes=6),
        datetime.max.replace(tzinfo=UTC),
        "2026-03-14T12:00:00Z",
        1773489600,
    ],
)
def test_an_impossible_cursor_counts_as_none(cursor: object) -> None:
    assert stored_cursor(cursor=cursor) is None


def test_a_cursor_of_another_rid_is_ignored() -> None:
    assert stored_cursor(**poll_cursor_to_map("8", NOON)) is None


def test_a_cursor_without_a_rid_belongs_to_the_rid_in_the_settings() -> None:
    assert stored_cursor(cursor=NOON) == NOON
