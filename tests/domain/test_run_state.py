from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.schedule import poll_cursor_from_document, poll_cursor_to_map
from shared.domain.validation import read_count

CURSOR_TIME = datetime(2026, 3, 14, 12, tzinfo=UTC)


def stored_cursor(poll: dict[str, object]) -> datetime | None:
    now = CURSOR_TIME + timedelta(hours=1)
    return poll_cursor_from_document({"restaurantId": "555001", "poll": poll}, now)


def test_a_restaurant_without_a_poll_has_no_cursor() -> None:
    assert stored_cursor({"lastOutcome": "error"}) is None
    assert poll_cursor_from_document({"restaurantId": "555001"}, CURSOR_TIME) is None


def test_a_cursor_is_read_back_unchanged() -> None:
    assert stored_cursor(poll_cursor_to_map("555001", CURSOR_TIME)) == CURSOR_TIME


def test_a_cursor_of_an_instance_with_a_faster_clock_is_read() -> None:
    cursor = CURSOR_TIME + timedelta(hours=1, minutes=5)
    assert stored_cursor({"cursor": cursor}) == cursor


@pytest.mark.parametrize(
    "cursor",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime(1999, 12, 31, tzinfo=UTC),
        CURSOR_TIME + timedelta(hours=1, minutes=6),
        datetime.max.replace(tzinfo=UTC),
        "2026-03-14T12:00:00Z",
        1773489600,
    ],
)
def test_an_impossible_cursor_counts_as_none(cursor: object) -> None:
    assert stored_cursor({"cursor": cursor}) is None


def test_a_cursor_of_another_rid_is_ignored() -> None:
    assert stored_cursor(poll_cursor_to_map("555002", CURSOR_TIME)) is None


def test_a_cursor_without_a_rid_belongs_to_the_rid_in_the_settings() -> None:
    assert stored_cursor({"cursor": CURSOR_TIME}) == CURSOR_TIME


@pytest.mark.parametrize(
    "state, count",
    [
        *(({"failures": 2}, 2), ({"failures": 10**15}, 10**15)),
        *(({"failures": value}, 0) for value in ("2", True, 2.0, -1, 10**15 + 1)),
        ({}, 0),
    ],
)
def test_a_count_of_another_type_is_zero(state: dict[str, object], count: int) -> None:
    assert read_count(state, "failures") == count
