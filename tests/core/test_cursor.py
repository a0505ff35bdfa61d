"""Up to when a book was read, which says nothing of another."""

from datetime import UTC, datetime

from shared.core.cursor import poll_cursor_from_document, poll_cursor_to_map

CURSOR_TIME = datetime(2026, 3, 14, 12, tzinfo=UTC)


def test_a_restaurant_without_a_poll_has_no_cursor() -> None:
    assert (
        poll_cursor_from_document({"restaurantId": "555001", "poll": {"lastOutcome": "error"}})
        is None
    )
    assert poll_cursor_from_document({"restaurantId": "555001"}) is None


def test_a_cursor_is_read_back_unchanged() -> None:
    poll = poll_cursor_to_map("555001", CURSOR_TIME)
    assert poll_cursor_from_document({"restaurantId": "555001", "poll": poll}) == CURSOR_TIME


def test_a_cursor_of_another_rid_is_ignored() -> None:
    poll = poll_cursor_to_map("555001", CURSOR_TIME)
    assert poll_cursor_from_document({"restaurantId": "555002", "poll": poll}) is None


def test_a_cursor_without_a_rid_belongs_to_the_rid_in_the_settings() -> None:
    assert (
        poll_cursor_from_document({"restaurantId": "555001", "poll": {"cursor": CURSOR_TIME}})
        == CURSOR_TIME
    )
