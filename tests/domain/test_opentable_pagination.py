from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.domain.opentable_pagination import (
    MAX_PAGES,
    MAX_RESTARTS,
    Page,
    PaginationState,
    RowVersion,
    accept_page,
    append_page,
    next_page_offset,
    overlap_error,
    read_row_version,
)
from shared.errors import IncompleteListingError
from tests.support.changing_list import (
    ChangingList,
    ListChange,
    Row,
    RowOrder,
    changing_lists,
    read_all_pages,
)

STABLE: tuple[RowOrder, ...] = ("updated", "id", "shuffled")
ALL_ORDERS: tuple[RowOrder, ...] = (*STABLE, "unstable")
MANY_EXAMPLES = settings(max_examples=400, deadline=None)  # a busy machine breaks no law


def page_rows(*numbers: int, version: int = 1) -> tuple[object, ...]:
    return tuple({"id": f"r{number}", "sequence_id": version} for number in numbers)


def state_after(*answers: Page) -> PaginationState:
    listing = PaginationState()
    for answer in answers:
        listing, _ = accept_page(listing, answer)
    return listing


def keys(found: list[Row]) -> set[object]:
    return {row["id"] for row in found}


def read_or_give_up(moving: ChangingList) -> list[Row] | None:
    try:
        _, found = read_all_pages(moving)
    except IncompleteListingError:
        event("unproven")
        return None
    event("proven")
    return found


# The laws


@given(changing_lists(STABLE, "touch", "insert", "remove"))
@MANY_EXAMPLES
def test_unchanged_rows_are_never_missed(moving: ChangingList) -> None:
    at_start = keys(moving.current_rows())
    found = read_or_give_up(moving)
    assert found is None or at_start - moving.touched <= keys(found)


@given(changing_lists(("updated",), "touch", "insert", "remove"))
@MANY_EXAMPLES
def test_sorted_by_update_time_the_final_list_is_yielded_exactly(moving: ChangingList) -> None:
    found = read_or_give_up(moving)
    assert found is None or all(row in found for row in moving.last)


@given(changing_lists(ALL_ORDERS, "touch", "insert"))
@MANY_EXAMPLES
def test_in_any_order_no_row_is_missed_unless_rows_are_removed(moving: ChangingList) -> None:
    found = read_or_give_up(moving)
    assert found is None or keys(moving.last) <= keys(found)


@given(changing_lists(STABLE))
@settings(deadline=None)
def test_an_unchanging_list_is_always_read_completely(moving: ChangingList) -> None:
    listing, found = read_all_pages(moving)
    assert listing.restart_count == 0
    assert keys(found) == keys(moving.current_rows())


@given(changing_lists(ALL_ORDERS, "touch", "insert", "remove"))
@settings(deadline=None)
def test_a_version_is_yielded_once(moving: ChangingList) -> None:
    found: list[tuple[object, object]] = []
    listing = PaginationState()
    with suppress(IncompleteListingError):
        while (offset := next_page_offset(listing)) is not None:
            listing, news = accept_page(listing, moving.fetch_page(offset))
            found += [(row["id"], row["sequence_id"]) for row in news if isinstance(row, dict)]
    assert len(found) == len(set(found))


answers = st.builds(
    Page,
    offset=st.integers(0, 30),
    rows=st.lists(st.integers(0, 20), max_size=8).map(lambda numbers: page_rows(*numbers)),
    has_next_page=st.booleans(),
)


@given(st.data())
@settings(deadline=None)
def test_paging_ends_for_any_responses(data: st.DataObject) -> None:
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
    listing, found = read_all_pages(ChangingList("updated", page_size=1_000, size=10_000))
    assert listing.page_count == 11
    assert len(found) == 10_000


def test_an_empty_list_is_done_at_once() -> None:
    assert state_after(Page(0, (), has_next_page=False)).is_complete


def test_a_single_page_is_done_at_once() -> None:
    assert state_after(Page(0, page_rows(1, 2, 3), has_next_page=False)).is_complete


def test_the_next_offset_follows_the_received_rows() -> None:
    listing = state_after(Page(0, page_rows(*range(100)), has_next_page=True))
    assert next_page_offset(listing) == 100 - 25


def test_a_row_moved_before_the_offset_makes_paging_step_back() -> None:
    first = Page(0, page_rows(0, 1, 2, 3), has_next_page=True)
    slid = Page(
        3, page_rows(5, 6), has_next_page=False
    )  # rows 0 to 3 moved: row 4 stands at offset 2 or less
    assert next_page_offset(state_after(first, slid)) == 2


def test_rows_of_a_discontinuous_page_are_yielded() -> None:
    first = state_after(Page(0, page_rows(0, 1, 2, 3), has_next_page=True))
    _, news = accept_page(first, Page(3, page_rows(5, 6), has_next_page=False))
    assert news == page_rows(5, 6)


def test_a_changed_row_does_not_count_as_repeated() -> None:
    first = state_after(Page(0, page_rows(0, 1, 2, 3), has_next_page=True))
    listing, _ = accept_page(
        first, Page(3, (*page_rows(3, version=2), *page_rows(4)), has_next_page=False)
    )
    assert not listing.is_complete


def test_a_missing_row_restarts_the_listing() -> None:
    inserted_behind = Page(3, page_rows(2, 3, 4), has_next_page=False)
    listing = state_after(Page(0, page_rows(0, 1, 2, 3), has_next_page=True), inserted_behind)
    assert (listing.is_complete, next_page_offset(listing), listing.restart_count) == (False, 0, 1)


def test_a_duplicate_row_on_a_page_is_not_a_missing_row() -> None:
    assert state_after(Page(0, (*page_rows(1), None, None), has_next_page=False)).is_complete


def keep_answering(reply: Callable[[int], Page]) -> PaginationState:
    """Answer each offset asked for by ``reply``, for as long as the reading goes on."""
    listing = PaginationState()
    while (offset := next_page_offset(listing)) is not None:
        listing, _ = accept_page(listing, reply(offset))
    return listing


def test_an_endlessly_repeated_page_is_reported() -> None:
    with pytest.raises(IncompleteListingError, match="nothing new"):
        keep_answering(lambda offset: Page(offset, page_rows(*range(10)), has_next_page=True))


def test_an_empty_page_with_next_page_is_reported() -> None:
    with pytest.raises(IncompleteListingError, match="too small to overlap"):
        keep_answering(lambda offset: Page(offset, (), has_next_page=True))


def test_an_unrequested_offset_is_reported() -> None:
    with pytest.raises(IncompleteListingError, match="not asked for"):
        keep_answering(lambda _: Page(0, page_rows(*range(10)), has_next_page=True))


def test_a_list_that_never_ends_is_bounded() -> None:
    with pytest.raises(IncompleteListingError, match=f"went on.*{MAX_PAGES} pages"):
        keep_answering(
            lambda offset: Page(offset, page_rows(*range(offset, offset + 8)), has_next_page=True)
        )


def test_a_list_shorter_than_the_offset_is_read_from_an_earlier_offset() -> None:
    first = state_after(Page(0, page_rows(0, 1, 2, 3), has_next_page=True))
    back, _ = accept_page(first, Page(3, (), has_next_page=False))
    assert accept_page(back, Page(2, page_rows(2), has_next_page=False))[0].is_complete


def test_the_error_names_no_row() -> None:
    with pytest.raises(IncompleteListingError) as caught:
        keep_answering(lambda offset: Page(offset, page_rows(*range(10)), has_next_page=True))
    assert "r1" not in str(caught.value)


def test_a_frequently_changing_list_is_read_without_a_restart() -> None:
    deeds: list[list[ListChange]] = [
        [("touch", 97 * page + row) for row in range(20)] for page in range(9)
    ]
    moving = ChangingList("updated", page_size=1_000, size=8_000, script=deeds)
    listing, _ = read_all_pages(moving)
    assert (listing.restart_count, listing.page_count) == (0, 9)


TRAIL = tuple(RowVersion(key, "1") for key in "abcdef")
KEYS = frozenset("abcdef")

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("id"), inner),
)


def page(text: str) -> tuple[RowVersion, ...]:
    return tuple(RowVersion(key.lower(), "2" if key.isupper() else "1") for key in text)


def test_a_page_starting_with_the_previous_tail_is_continuous() -> None:
    assert overlap_error(TRAIL, KEYS, page("efgh")) is None


def test_one_repeated_row_proves_continuity() -> None:
    assert overlap_error(TRAIL, KEYS, page("fgh")) is None


def test_a_page_without_repeated_rows_is_not_continuous() -> None:
    assert "seen again" in str(overlap_error(TRAIL, KEYS, page("gh")))


def test_a_row_in_another_version_is_not_a_repeated_row() -> None:
    assert "seen again" in str(overlap_error(TRAIL, KEYS, page("Fgh")))


def test_reordered_rows_are_not_continuous() -> None:
    assert "changed places" in str(overlap_error(TRAIL, KEYS, page("feg")))


def test_an_unknown_row_before_repeated_rows_is_not_continuous() -> None:
    assert "never seen" in str(overlap_error(TRAIL, KEYS, page("xefg")))


def test_a_row_changed_in_place_keeps_continuity() -> None:
    assert overlap_error(TRAIL, KEYS, page("dEfg")) is None


def test_more_gaps_than_repeated_rows_are_not_continuous() -> None:
    assert "too few" in str(overlap_error(TRAIL, KEYS, page("dgh")))


def test_a_page_ending_inside_the_overlap_leaves_no_gap() -> None:
    assert overlap_error(TRAIL, KEYS, page("ab")) is None


def test_appending_a_page_keeps_rows_before_the_overlap() -> None:
    assert append_page(TRAIL, page("Defg")) == (*TRAIL[:4], *page("efg"))


def test_a_row_is_identified_by_id_and_version() -> None:
    row = {"id": "1-a", "sequence_id": 7, "updated_at_utc": "2026-03-09T12:30:44Z"}
    assert read_row_version(row) == RowVersion("1-a", "7 '2026-03-09T12:30:44Z'")


def test_a_new_sequence_is_another_version() -> None:
    assert read_row_version({"id": "a", "sequence_id": 1}) != read_row_version(
        {"id": "a", "sequence_id": 2}
    )


def test_a_new_update_time_is_another_version() -> None:
    assert read_row_version({"id": "a", "updated_at_utc": "x"}) != read_row_version(
        {"id": "a", "updated_at_utc": "y"}
    )


def test_an_item_without_an_id_is_identified_by_its_content() -> None:
    assert read_row_version({"id": "", "a": 1, "b": 2}) == read_row_version(
        {"b": 2, "a": 1, "id": ""}
    )


@given(json_values)
def test_any_json_value_has_a_row_version(value: object) -> None:
    assert read_row_version(value) == read_row_version(value)
