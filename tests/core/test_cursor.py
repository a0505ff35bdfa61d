"""Up to when a book was read, which says nothing of another."""

from datetime import UTC, datetime

from shared.core.cursor import cursor_in, stored_cursor

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def test_a_book_that_was_never_read_has_no_cursor() -> None:
    assert cursor_in({"restaurantId": "555001", "poll": {"lastOutcome": "error"}}) is None
    assert cursor_in({"restaurantId": "555001"}) is None


def test_a_cursor_is_told_as_it_was_stored() -> None:
    poll = stored_cursor("555001", NOON)
    assert cursor_in({"restaurantId": "555001", "poll": poll}) == NOON


def test_the_cursor_of_another_book_is_none() -> None:
    poll = stored_cursor("555001", NOON)
    assert cursor_in({"restaurantId": "555002", "poll": poll}) is None


def test_a_cursor_stored_without_its_rid_is_that_of_the_settings() -> None:
    assert cursor_in({"restaurantId": "555001", "poll": {"cursor": NOON}}) == NOON
