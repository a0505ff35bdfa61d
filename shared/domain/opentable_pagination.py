"""Whether a page of a listing joins on to the pages before it.

Offset pages are cut from a list that moves while it is read: a changed row may go to the end,
and every later row then slides one place towards the front, past the next offset. So each page
is asked for with an overlap, and a page counts only when the overlap is *seen again*.

One row that stands in both pages unchanged (an *anchor*) is enough wherever unchanged rows keep
their order among themselves: whatever stood before the anchor then stands before it now, was
seen then, and whatever stands after it is in the new page. OpenTable promises no order, so three
signs of an order that does not hold are looked for as well: anchors that changed places, a row
never seen before in front of an anchor, and more gaps than anchors in what should be seen again.

Reading a whole listing by offsets, with proof: a small state machine without any I/O.

``nextPageUrl`` is never followed. The next offset is where the answer says that its rows end,
less an overlap of up to 25 rows, and a page is *accepted* only when it joins on to those before
it (`shared.domain.opentable_pagination`). Where it does not, the overlap is doubled; the page at
offset 0
joins on to nothing and begins anew. Pages and new beginnings are bounded: what cannot be shown
within the bounds is a `IncompleteListingError`, so a page that repeats for ever, an empty page that
promises more, an offset that was not asked for or does not advance all end there, by name.

What an accepted listing holds (the property tests state the same):

* *Where unchanged rows keep their order among themselves* (by ``updated_at_utc``, by id, or any
  fixed order): every row that was listed when the run began and was not changed since has been
  yielded. By induction over pages: what stands before an anchor stood before it in the earlier
  page too, hence was seen. A row changed *since* then is the next poll's, as the cursor is the
  time before the first request.
* *Where changed rows go to the end* (``updated_at_utc`` ascending, no two stamps equal): more,
  the list as it was at the last answer has been yielded, every row at its version of then:
  nothing that changed after an anchor can stand before it.
* *In any order, even a new one for every answer*: the last answer tells how many rows are listed
  (its offset and its rows), and at least as many ids were seen. So where no row left the listing
  during the run, no listed id was missed; where some left, at most as many were missed.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shared.errors import IncompleteListingError


class RowVersion(NamedTuple):
    """One version of one row; a tuple, as a long listing hashes millions of them.

    Attributes:
        key: OpenTable's id, or a digest of the row where it has none.
        version: ``sequence_id`` and ``updated_at_utc`` as written; empty where there is no id.
    """

    key: str
    version: str


def read_row_version(row: object) -> RowVersion:
    """Return the mark of any JSON value found among a listing's items.

    Args:
        row: An item as parsed. Items that are not rows get a mark too: they are still places in
            the list, and the proof counts places.
    """
    if isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"]:
        return RowVersion(row["id"], f"{row.get('sequence_id')!r} {row.get('updated_at_utc')!r}")
    text = json.dumps(row, sort_keys=True)
    return RowVersion(f"#{hashlib.sha256(text.encode()).hexdigest()}", "")


def overlap_error(
    recent_rows: Sequence[RowVersion], seen_keys: Collection[str], page_rows: Sequence[RowVersion]
) -> str | None:
    """Return why a page cannot be shown to follow on, in words, or None where it is shown.

    Args:
        recent_rows: The marks of the accepted pages, in the list's order, each once.
        seen_keys: The keys of every row seen in the run, whatever its version.
        page_rows: The new page's marks, in order, each once.
    """
    positions = {row_version: position for position, row_version in enumerate(recent_rows)}
    anchors = [index for index, row_version in enumerate(page_rows) if row_version in positions]
    if not anchors:
        return "nothing seen before was seen again"
    overlap_positions = [positions[page_rows[index]] for index in anchors]
    if overlap_positions != sorted(overlap_positions):
        return "rows had changed places"
    if any(row_version.key not in seen_keys for row_version in page_rows[: anchors[-1]]):
        return "a row never seen stood before rows already seen"
    # A page that ends within the trail says nothing about the trail beyond its end.
    end = overlap_positions[-1] + 1 if anchors[-1] == len(page_rows) - 1 else len(recent_rows)
    gaps = end - overlap_positions[0] - len(overlap_positions)
    return (
        "too few of the rows already seen were seen again"
        if gaps > len(overlap_positions)
        else None
    )


def append_page(
    recent_rows: Sequence[RowVersion], page_rows: Sequence[RowVersion]
) -> tuple[RowVersion, ...]:
    """Return the trail with a page that joins it: up to the first anchor, and from there on.

    Args:
        recent_rows: As in `overlap_error`.
        page_rows: A page for which that found no obstacle.
    """
    positions = {row_version: position for position, row_version in enumerate(recent_rows)}
    first = next(index for index, row_version in enumerate(page_rows) if row_version in positions)
    return (*recent_rows[: positions[page_rows[first]]], *page_rows[first:])


MAX_PAGES = 500
MAX_RESTARTS = 3
_MAX_OVERLAP_ROWS = 25
_MAX_RECENT_ROWS = 8_000


class Page(Struct, frozen=True):
    """One page as OpenTable sent it.

    Attributes:
        offset: The number of rows before this page, as the answer itself says.
        rows: The page's rows, parsed from JSON and otherwise as they came.
        has_next_page: Its ``hasNextPage``.
    """

    offset: int
    rows: tuple[object, ...]
    has_next_page: bool


class PaginationState(Struct, frozen=True):
    """How far a listing has been read; the default value is its beginning.

    Attributes:
        next_offset: The offset to ask for next.
        is_complete: Whether the whole listing was read and shown to be whole.
        end: Where the last accepted page ended.
        overlap: How many rows before ``end`` the next page begins.
        recent_rows: The last marks of the accepted pages since the last beginning, in the list's
            order;
            8,000 at most, as nothing goes back further but to the beginning.
        seen_versions: Every version of every row seen in the run.
        seen_keys: Their keys.
        repeated_rows: Places taken by a key that its own page held already.
        page_count: How many answers were taken.
        restart_count: How many times the listing began anew.
    """

    next_offset: int = 0
    is_complete: bool = False
    end: int = 0
    overlap: int = 1
    recent_rows: tuple[RowVersion, ...] = ()
    seen_versions: frozenset[RowVersion] = frozenset()
    seen_keys: frozenset[str] = frozenset()
    repeated_rows: int = 0
    page_count: int = 0
    restart_count: int = 0


def next_page_offset(pagination: PaginationState) -> int | None:
    """Return the offset to ask for, or None once the listing is done."""
    return None if pagination.is_complete else pagination.next_offset


def accept_page(
    pagination: PaginationState, response: Page
) -> tuple[PaginationState, tuple[object, ...]]:
    """Take the answer to the request at `next_page_offset`.

    Args:
        pagination: The state that the request was made from.
        response: What came back.

    Returns:
        The next state, and the rows whose version had not been seen before. Rows of a page that
        does not join on are returned as well: they are true, only not proof.

    Raises:
        PagingUnprovenError: When the bounds are reached with no proof.
    """
    rows: dict[RowVersion, object] = {}
    for item in response.rows:
        rows.setdefault(read_row_version(item), item)
    page_rows = tuple(rows)
    new_rows = tuple(
        row for row_version, row in rows.items() if row_version not in pagination.seen_versions
    )
    problem = _page_error(pagination, response, page_rows)
    recorded = replace(
        pagination,
        seen_versions=pagination.seen_versions.union(page_rows),
        seen_keys=pagination.seen_keys.union(row_version.key for row_version in page_rows),
        page_count=pagination.page_count + 1,
    )
    return (
        _widen_overlap(recorded, problem) if problem else _advance(recorded, response, page_rows)
    ), new_rows


def _page_error(
    pagination: PaginationState, response: Page, page_rows: tuple[RowVersion, ...]
) -> str | None:
    if response.offset != pagination.next_offset:
        return "the answer began at an offset that was not asked for"
    if response.has_next_page and len(page_rows) < 2:  # noqa: PLR2004 -- one row to see again, one to advance by
        return "a page too small to overlap promised more"
    if response.offset == 0:
        return None
    if (
        response.has_next_page
        and _page_end(response) > pagination.end
        and set(page_rows).issubset(pagination.recent_rows)
    ):
        return "a page promised more and brought nothing new"
    return overlap_error(pagination.recent_rows, pagination.seen_keys, page_rows)


def _advance(
    recorded: PaginationState, response: Page, page_rows: tuple[RowVersion, ...]
) -> PaginationState:
    is_first_page = response.offset == 0
    repeated_rows = len(response.rows) - len({row_version.key for row_version in page_rows})
    state = replace(
        recorded,
        end=_page_end(response),
        overlap=min(_MAX_OVERLAP_ROWS, max(1, len(page_rows) // 4)),
        recent_rows=(page_rows if is_first_page else append_page(recorded.recent_rows, page_rows))[
            -_MAX_RECENT_ROWS:
        ],
        repeated_rows=repeated_rows if is_first_page else recorded.repeated_rows + repeated_rows,
    )
    if response.has_next_page:
        return _check_bounds(
            replace(state, next_offset=state.end - state.overlap), "the listing went on"
        )
    if len(state.seen_keys) < state.end - state.repeated_rows:
        return _restart(state, "more rows are listed than were seen")
    return replace(state, is_complete=True)


def _widen_overlap(recorded: PaginationState, problem: str) -> PaginationState:
    overlap = recorded.overlap * 2
    if overlap >= len(recorded.recent_rows):
        return _restart(recorded, problem)
    return _check_bounds(
        replace(recorded, overlap=overlap, next_offset=recorded.end - overlap), problem
    )


def _restart(recorded: PaginationState, problem: str) -> PaginationState:
    restarted = replace(
        recorded, next_offset=0, end=0, recent_rows=(), restart_count=recorded.restart_count + 1
    )
    return _check_bounds(restarted, problem)


def _check_bounds(state: PaginationState, problem: str) -> PaginationState:
    if state.page_count < MAX_PAGES and state.restart_count <= MAX_RESTARTS:
        return state
    raise IncompleteListingError(
        f"A listing could not be shown to be whole: {problem} ({state.page_count} pages,"
        f" {min(state.restart_count, MAX_RESTARTS)} new beginnings)."
        " Nothing may be concluded from it;"
        " the next run lists it again."
    )


def _page_end(response: Page) -> int:
    return response.offset + len(response.rows)
