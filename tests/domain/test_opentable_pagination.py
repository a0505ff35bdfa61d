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
    append_page,
    find_overlap_error,
    process_page,
    read_row_version,
)
from shared.errors import IncompleteListingError
from tests.strategies.json_values import json_values
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
MANY_EXAMPLES = settings(max_examples=8 * settings().max_examples)


def page_rows(*numbers: int, version: int = 1) -> tuple[object, ...]:
    return tuple({"id": f"r{number}", "sequence_id": version} for number in numbers)


def state_after(*pages: Page) -> PaginationState:
    state = PaginationState()
    for page in pages:
        state, _ = process_page(state, page)
    return state


def is_complete(state: PaginationState) -> bool:
    return state.next_offset is None


def keys(rows: list[Row]) -> set[object]:
    return {row["id"] for row in rows}


def read_or_give_up(changing: ChangingList) -> list[Row] | None:
    try:
        _, rows = read_all_pages(changing)
    except IncompleteListingError:
        event("incomplete")
        return None
    event("complete")
    return rows


# Properties of complete listings


@given(changing_lists(STABLE, "touch", "insert", "remove"))
@MANY_EXAMPLES
def test_unchanged_rows_are_never_missed(changing: ChangingList) -> None:
    initial_keys = keys(changing.current_rows())
    rows = read_or_give_up(changing)
    assert rows is None or initial_keys - changing.touched <= keys(rows)


@given(changing_lists(("updated",), "touch", "insert", "remove"))
@MANY_EXAMPLES
def test_sorted_by_update_time_the_final_list_is_complete(changing: ChangingList) -> None:
    rows = read_or_give_up(changing)
    assert rows is None or all(row in rows for row in changing.last_rows)


@given(changing_lists(ALL_ORDERS, "touch", "insert"))
@MANY_EXAMPLES
def test_in_any_order_no_row_is_missed_unless_rows_are_removed(changing: ChangingList) -> None:
    rows = read_or_give_up(changing)
    assert rows is None or keys(changing.last_rows) <= keys(rows)


@given(changing_lists(STABLE))
def test_an_unchanging_list_is_always_read_completely(changing: ChangingList) -> None:
    state, rows = read_all_pages(changing)
    assert state.restart_count == 0
    assert keys(rows) == keys(changing.current_rows())


@given(changing_lists(ALL_ORDERS, "touch", "insert", "remove"))
def test_a_version_is_returned_once(changing: ChangingList) -> None:
    versions: list[tuple[object, object]] = []
    state = PaginationState()
    with suppress(IncompleteListingError):
        while (offset := state.next_offset) is not None:
            state, items = process_page(state, changing.fetch_page(offset))
            versions += [(row["id"], row["sequence_id"]) for row in items if isinstance(row, dict)]
    assert len(versions) == len(set(versions))


pages = st.builds(
    Page,
    offset=st.integers(0, 30),
    rows=st.lists(st.integers(0, 20), max_size=8).map(lambda numbers: page_rows(*numbers)),
    has_next_page=st.booleans(),
)


@given(st.data())
def test_paging_ends_for_any_responses(data: st.DataObject) -> None:
    state = PaginationState()
    with suppress(IncompleteListingError):
        for _ in range(MAX_PAGES):
            state, _ = process_page(state, data.draw(pages))
            if is_complete(state):
                break
    assert state.page_count <= MAX_PAGES
    assert state.restart_count <= MAX_RESTARTS


# Pages


def test_ten_thousand_rows_cost_eleven_requests() -> None:
    state, rows = read_all_pages(ChangingList("updated", page_size=1_000, size=10_000))
    assert state.page_count == 11
    assert len(rows) == 10_000


@pytest.mark.parametrize("rows", [(), page_rows(1, 2, 3)])
def test_an_empty_list_and_a_single_page_are_complete_at_once(rows: tuple[object, ...]) -> None:
    assert is_complete(state_after(Page(0, rows, has_next_page=False)))


@pytest.mark.parametrize(
    "row_count, overlap", [(2, 1), (3, 1), (8, 2), (99, 24), (100, 25), (1_000, 25)]
)
def test_the_next_page_overlaps_a_quarter_of_the_page_and_at_most_25_rows(
    row_count: int, overlap: int
) -> None:
    state = state_after(Page(0, page_rows(*range(row_count)), has_next_page=True))
    assert state.next_offset == row_count - overlap


FIRST_PAGE = Page(0, page_rows(0, 1, 2, 3), has_next_page=True)
# The rows 0 to 3 were changed and moved to the end: row 4 is now at offset 2 or before.
DISCONTINUOUS_PAGE = Page(3, page_rows(5, 6), has_next_page=False)
UNREQUESTED_PAGE = Page(9, page_rows(9), has_next_page=False)


def test_a_row_moved_before_the_offset_makes_paging_step_back() -> None:
    assert state_after(FIRST_PAGE, DISCONTINUOUS_PAGE).next_offset == 2


def test_the_overlap_is_doubled_until_it_reaches_the_first_row() -> None:
    state = state_after(Page(0, page_rows(*range(8)), has_next_page=True))
    steps = []
    for _ in range(3):
        assert state.next_offset is not None
        page = Page(state.next_offset, page_rows(8, 9), has_next_page=False)
        state, _ = process_page(state, page)
        steps.append((state.next_offset, state.restart_count))
    # From an overlap of 2 rows: 4 rows, then 8 of 8 rows are a restart.
    assert steps == [(4, 0), (0, 1), (None, 1)]


def test_rows_of_a_discontinuous_page_are_returned() -> None:
    _, items = process_page(state_after(FIRST_PAGE), DISCONTINUOUS_PAGE)
    assert items == page_rows(5, 6)


def test_a_changed_row_does_not_count_as_repeated() -> None:
    changed_row = page_rows(3, version=2)
    page = Page(3, (*changed_row, *page_rows(4)), has_next_page=False)
    assert not is_complete(state_after(FIRST_PAGE, page))


def test_a_missing_row_restarts_the_listing_without_the_earlier_pages() -> None:
    state = state_after(FIRST_PAGE, Page(3, page_rows(2, 3, 4), has_next_page=False))
    assert (state.next_offset, state.restart_count) == (0, 1)
    state, _ = process_page(state, UNREQUESTED_PAGE)
    assert (state.next_offset, state.restart_count) == (0, 2)


def test_the_number_of_restarts_is_bounded() -> None:
    state = state_after(*[UNREQUESTED_PAGE] * MAX_RESTARTS)
    assert (state.next_offset, state.restart_count) == (0, MAX_RESTARTS)
    with pytest.raises(IncompleteListingError, match=f"{MAX_RESTARTS} restarts"):
        process_page(state, UNREQUESTED_PAGE)


def test_a_duplicate_row_on_a_page_is_not_a_missing_row() -> None:
    page = Page(0, (*page_rows(1), None, None), has_next_page=False)
    assert is_complete(state_after(page))


def test_a_page_that_ends_like_the_one_before_may_promise_more() -> None:
    first = Page(0, page_rows(*range(8)), has_next_page=True)
    assert state_after(first, Page(6, page_rows(6, 7), has_next_page=True)).next_offset == 7


def test_duplicate_rows_are_counted_over_all_pages() -> None:
    first = Page(0, (*page_rows(0, 1, 2, 3), None, None), has_next_page=True)
    last = Page(5, (None, *page_rows(4, 5), "x", "x"), has_next_page=False)
    assert is_complete(state_after(first, last))


def test_the_rows_of_all_accepted_pages_are_recent_rows() -> None:
    state = state_after(FIRST_PAGE, Page(3, page_rows(3, 4, 5), has_next_page=True))
    assert [row.key for row in state.recent_rows] == ["r0", "r1", "r2", "r3", "r4", "r5"]


def read_pages(fetch_page: Callable[[int], Page]) -> None:
    state = PaginationState()
    while (offset := state.next_offset) is not None:
        state, _ = process_page(state, fetch_page(offset))


@pytest.mark.parametrize(
    "fetch_page, problem",
    [
        (lambda offset: Page(offset, page_rows(*range(10)), has_next_page=True), "no new rows"),
        (lambda offset: Page(offset, (), has_next_page=True), "too small to overlap"),
        (lambda _: Page(0, page_rows(*range(10)), has_next_page=True), "another offset"),
        (
            lambda offset: Page(offset, page_rows(*range(offset, offset + 8)), has_next_page=True),
            f"has more pages.*{MAX_PAGES} pages",
        ),
    ],
    ids=["repeated page", "empty page", "unrequested offset", "list without end"],
)
def test_a_listing_without_progress_fails_without_naming_a_row(
    fetch_page: Callable[[int], Page], problem: str
) -> None:
    with pytest.raises(IncompleteListingError, match=problem) as raised:
        read_pages(fetch_page)
    assert "r1" not in str(raised.value)


def test_a_list_shorter_than_the_offset_is_read_from_an_earlier_offset() -> None:
    past_the_end = Page(3, (), has_next_page=False)
    earlier = Page(2, page_rows(2), has_next_page=False)
    assert is_complete(state_after(FIRST_PAGE, past_the_end, earlier))


def test_a_frequently_changing_list_is_read_without_a_restart() -> None:
    changes: list[list[ListChange]] = [
        [("touch", 97 * page + row) for row in range(20)] for page in range(9)
    ]
    changing = ChangingList("updated", page_size=1_000, size=8_000, script=changes)
    state, _ = read_all_pages(changing)
    assert (state.restart_count, state.page_count) == (0, 9)


# Continuity of two pages


RECENT_ROWS = tuple(RowVersion(key, "1") for key in "abcdef")
SEEN_KEYS = frozenset("abcdef")


def page_of_letters(text: str) -> tuple[RowVersion, ...]:
    """Return a row for each letter; upper case is a newer version."""
    return tuple(RowVersion(key.lower(), "2" if key.isupper() else "1") for key in text)


@pytest.mark.parametrize(
    "letters",
    [
        pytest.param("efgh", id="starts with the last rows"),
        pytest.param("fgh", id="one repeated row"),
        pytest.param("dEfg", id="a row changed in place"),
        pytest.param("egh", id="as many gaps as repeated rows"),
        pytest.param("ab", id="ends within the earlier rows"),
        pytest.param("ad", id="ends within the earlier rows with as many gaps"),
    ],
)
def test_a_page_with_repeated_rows_in_order_is_continuous(letters: str) -> None:
    assert find_overlap_error(RECENT_ROWS, SEEN_KEYS, page_of_letters(letters)) is None


@pytest.mark.parametrize(
    "letters, error",
    [
        pytest.param("gh", "no row of the earlier pages", id="no repeated row"),
        pytest.param("Fgh", "no row of the earlier pages", id="only another version"),
        pytest.param("feg", "changed places", id="reordered rows"),
        pytest.param("xefg", "unseen row", id="an unseen row before"),
        pytest.param("dgh", "too few", id="more gaps than repeated rows"),
        pytest.param("dg", "too few", id="more gaps up to the end of the earlier rows"),
        pytest.param("ae", "too few", id="more gaps up to the end of the page"),
    ],
)
def test_a_page_without_proof_is_not_continuous(letters: str, error: str) -> None:
    assert error in str(find_overlap_error(RECENT_ROWS, SEEN_KEYS, page_of_letters(letters)))


def test_appending_a_page_keeps_rows_before_the_overlap() -> None:
    appended = append_page(RECENT_ROWS, page_of_letters("Defg"))
    assert appended == (*RECENT_ROWS[:4], *page_of_letters("efg"))


def test_a_row_is_identified_by_id_and_version() -> None:
    row = {"id": "1-a", "sequence_id": 7, "updated_at_utc": "2026-03-09T12:30:44Z"}
    assert read_row_version(row) == RowVersion("1-a", "7 '2026-03-09T12:30:44Z'")


@pytest.mark.parametrize("field", ["sequence_id", "updated_at_utc"])
def test_a_new_sequence_or_update_time_is_another_version(field: str) -> None:
    assert read_row_version({"id": "a", field: 1}) != read_row_version({"id": "a", field: 2})


def test_an_item_without_an_id_is_identified_by_its_content() -> None:
    row = {"id": "", "a": 1, "b": 2}
    assert read_row_version(row) == read_row_version(dict(reversed(row.items())))


def test_items_without_an_id_differ_by_their_content() -> None:
    one, other = read_row_version({"a": 1}), read_row_version({"a": 2})
    assert (one != other, one.version, other.version) == (True, "", "")


@given(json_values)
def test_any_json_value_has_a_row_version(value: object) -> None:
    assert read_row_version(value) == read_row_version(value)
