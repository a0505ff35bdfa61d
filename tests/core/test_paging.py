from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.core.paging import (
    MAX_PAGES,
    MAX_RESTARTS,
    Page,
    PaginationState,
    accept_page,
    next_page_offset,
)
from shared.errors import IncompleteListingError
from tests.core.moving_list import Deed, MovingList, Order, Row, moving_lists, read_through

STABLE: tuple[Order, ...] = ("updated", "id", "shuffled")
EVERY: tuple[Order, ...] = (*STABLE, "unstable")
LAW = settings(max_examples=400, deadline=None)  # a busy machine breaks no law


def rows(*numbers: int, version: int = 1) -> tuple[object, ...]:
    return tuple({"id": f"r{number}", "sequence_id": version} for number in numbers)


def after(*answers: Page) -> PaginationState:
    listing = PaginationState()
    for answer in answers:
        listing, _ = accept_page(listing, answer)
    return listing


def keys(found: list[Row]) -> set[object]:
    return {row["id"] for row in found}


def read_or_give_up(moving: MovingList) -> list[Row] | None:
    try:
        _, found = read_through(moving)
    except IncompleteListingError:
        event("unproven")
        return None
    event("proven")
    return found


# The laws


@given(moving_lists(STABLE, "touch", "insert", "remove"))
@LAW
def test_no_row_that_stayed_as_it_was_is_ever_missed(moving: MovingList) -> None:
    at_start = keys(moving.listed())
    found = read_or_give_up(moving)
    assert found is None or at_start - moving.touched <= keys(found)


@given(moving_lists(("updated",), "touch", "insert", "remove"))
@LAW
def test_by_update_time_the_list_of_the_last_answer_is_yielded_exactly(moving: MovingList) -> None:
    found = read_or_give_up(moving)
    assert found is None or all(row in found for row in moving.last)


@given(moving_lists(EVERY, "touch", "insert"))
@LAW
def test_in_any_order_nothing_is_missed_while_no_row_leaves(moving: MovingList) -> None:
    found = read_or_give_up(moving)
    assert found is None or keys(moving.last) <= keys(found)


@given(moving_lists(STABLE))
@settings(deadline=None)
def test_a_list_at_rest_is_always_read_to_its_end(moving: MovingList) -> None:
    listing, found = read_through(moving)
    assert listing.restart_count == 0
    assert keys(found) == keys(moving.listed())


@given(moving_lists(EVERY, "touch", "insert", "remove"))
@settings(deadline=None)
def test_a_version_is_yielded_once(moving: MovingList) -> None:
    found: list[tuple[object, object]] = []
    listing = PaginationState()
    with suppress(IncompleteListingError):
        while (offset := next_page_offset(listing)) is not None:
            listing, news = accept_page(listing, moving.answer(offset))
            found += [(row["id"], row["sequence_id"]) for row in news if isinstance(row, dict)]
    assert len(found) == len(set(found))


answers = st.builds(
    Page,
    offset=st.integers(0, 30),
    items=st.lists(st.integers(0, 20), max_size=8).map(lambda numbers: rows(*numbers)),
    more=st.booleans(),
)


@given(st.data())
@settings(deadline=None)
def test_whatever_is_answered_the_reading_ends(data: st.DataObject) -> None:
    listing = PaginationState()
    with suppress(IncompleteListingError):
        for _ in range(MAX_PAGES):
            listing, _ = accept_page(listing, data.draw(answers))
            if next_page_offset(listing) is None:
                break
    assert listing.page_count <= MAX_PAGES
    assert listing.restart_count <= MAX_RESTARTS


# Single facts


def test_ten_thousand_rows_cost_eleven_requests() -> None:
    listing, found = read_through(MovingList("updated", clamp=1_000, size=10_000))
    assert listing.page_count == 11
    assert len(found) == 10_000


def test_an_empty_list_is_done_at_once() -> None:
    assert after(Page(0, (), has_next_page=False)).is_complete


def test_a_single_page_is_done_at_once() -> None:
    assert after(Page(0, rows(1, 2, 3), has_next_page=False)).is_complete


def test_the_next_offset_follows_what_came_and_not_what_was_asked() -> None:
    listing = after(Page(0, rows(*range(100)), has_next_page=True))
    assert next_page_offset(listing) == 100 - 25


def test_a_row_that_slid_past_the_offset_sends_the_reading_back() -> None:
    first = Page(0, rows(0, 1, 2, 3), has_next_page=True)
    slid = Page(
        3, rows(5, 6), has_next_page=False
    )  # rows 0 to 3 moved: row 4 stands at offset 2 or less
    assert next_page_offset(after(first, slid)) == 2


def test_rows_of_an_unproven_page_are_yielded_all_the_same() -> None:
    first = after(Page(0, rows(0, 1, 2, 3), has_next_page=True))
    _, news = accept_page(first, Page(3, rows(5, 6), has_next_page=False))
    assert news == rows(5, 6)


def test_a_changed_row_does_not_count_as_seen_again() -> None:
    first = after(Page(0, rows(0, 1, 2, 3), has_next_page=True))
    listing, _ = accept_page(first, Page(3, (*rows(3, version=2), *rows(4)), has_next_page=False))
    assert not listing.is_complete


def test_fewer_rows_than_are_listed_begin_the_listing_anew() -> None:
    inserted_behind = Page(3, rows(2, 3, 4), has_next_page=False)
    listing = after(Page(0, rows(0, 1, 2, 3), has_next_page=True), inserted_behind)
    assert (listing.is_complete, next_page_offset(listing), listing.restart_count) == (False, 0, 1)


def test_a_place_taken_twice_on_one_page_is_not_a_missing_row() -> None:
    assert after(Page(0, (*rows(1), None, None), has_next_page=False)).is_complete


def keep_answering(reply: Callable[[int], Page]) -> PaginationState:
    """Answer each offset asked for by ``reply``, for as long as the reading goes on."""
    listing = PaginationState()
    while (offset := next_page_offset(listing)) is not None:
        listing, _ = accept_page(listing, reply(offset))
    return listing


def test_a_page_that_repeats_for_ever_is_named() -> None:
    with pytest.raises(IncompleteListingError, match="nothing new"):
        keep_answering(lambda offset: Page(offset, rows(*range(10)), has_next_page=True))


def test_an_empty_page_that_promises_more_is_named() -> None:
    with pytest.raises(IncompleteListingError, match="too small to overlap"):
        keep_answering(lambda offset: Page(offset, (), has_next_page=True))


def test_an_offset_that_was_not_asked_for_is_named() -> None:
    with pytest.raises(IncompleteListingError, match="not asked for"):
        keep_answering(lambda _: Page(0, rows(*range(10)), has_next_page=True))


def test_a_list_that_never_ends_is_bounded() -> None:
    with pytest.raises(IncompleteListingError, match=f"went on.*{MAX_PAGES} pages"):
        keep_answering(
            lambda offset: Page(offset, rows(*range(offset, offset + 8)), has_next_page=True)
        )


def test_a_list_that_shrank_below_the_offset_is_read_again_from_further_back() -> None:
    first = after(Page(0, rows(0, 1, 2, 3), has_next_page=True))
    back, _ = accept_page(first, Page(3, (), has_next_page=False))
    assert accept_page(back, Page(2, rows(2), has_next_page=False))[0].is_complete


def test_the_text_names_no_row() -> None:
    with pytest.raises(IncompleteListingError) as caught:
        keep_answering(lambda offset: Page(offset, rows(*range(10)), has_next_page=True))
    assert "r1" not in str(caught.value)


def test_a_busy_evening_is_read_without_beginning_anew() -> None:
    deeds: list[list[Deed]] = [
        [("touch", 97 * page + row) for row in range(20)] for page in range(9)
    ]
    moving = MovingList("updated", clamp=1_000, size=8_000, script=deeds)
    listing, _ = read_through(moving)
    assert (listing.restart_count, listing.page_count) == (0, 9)
