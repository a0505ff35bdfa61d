"""Up to when a book was read, which says nothing of another."""

from datetime import UTC, datetime

from shared.core.cursor import poll_cursor_from_document, poll_cursor_to_map

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def test_a_book_that_was_never_read_has_no_cursor() -> None:
    assert (
        poll_cursor_from_document({"restaurantId": "555001", "poll": {"lastOutcome": "error"}})
        is None
    )
    assert poll_cursor_from_document({"restaurantId": "555001"}) is None


def test_a_cursor_is_told_as_it_was_stored() -> None:
    poll = poll_cursor_to_map("555001", NOON)
    assert poll_cursor_from_document({"restaurantId": "555001", "poll": poll}) == NOON


def test_the_cursor_of_another_book_is_none() -> None:
    poll = poll_cursor_to_map("555001", NOON)
    assert poll_cursor_from_document({"restaurantId": "555002", "poll": poll}) is None


def test_a_cursor_stored_without_its_rid_is_that_of_the_settings() -> None:
    assert poll_cursor_from_document({"restaurantId": "555001", "poll": {"cursor": NOON}}) == NOON
