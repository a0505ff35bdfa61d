"""Read a complete OpenTable listing by offset, although the list changes while it is read.

A changed row may move to the end of the list. Every later row then moves one place forward, and one
of them past the next offset. Therefore each page is requested with an overlap of up to 25 rows, and
accepted only if the overlap shows that it is continuous with the pages before
(`find_overlap_error`). If not, the overlap is doubled, and finally the listing restarts at offset
0. Pages and restarts are bounded; at a bound the listing fails with `IncompleteListingError`.
``nextPageUrl`` is never followed.

A complete listing guarantees (see the property tests):

* *Unchanged rows in a fixed order* (by ``updated_at_utc``, by id or any other): every row listed at
  the start and not changed since was returned. By induction: a row before an anchor was before it
  in the earlier page, too. Rows changed since then belong to the next poll, because its cursor is
  the time before the first request.
* *Changed rows at the end* (``updated_at_utc`` ascending, without ties): every row of the last
  response was returned, in its version of that time.
* *Any order, even a new one for each response*: at least as many ids were seen as the last response
  lists. So without removed rows no id is missing; otherwise at most as many as were removed.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shared.errors import IncompleteListingError

MAX_PAGES = 500
MAX_RESTARTS = 3
_MAX_OVERLAP_ROWS = 25
_MAX_RECENT_ROWS = 8_000
_MIN_PAGE_ROWS = 2  # one row that repeats the page before, and a new one


class RowVersion(NamedTuple):
    """One version of one row; a tuple, because a long listing hashes millions of them.

    Attributes:
        key: OpenTable's id, or a digest of a row without one.
        version: ``sequence_id`` and ``updated_at_utc`` as received; empty without an id.
    """

    key: str
    version: str


class Page(Struct, frozen=True):
    """One page as received.

    Attributes:
        offset: Number of rows before this page, according to the response.
        rows: Parsed JSON values, otherwise unchecked.
    """

    offset: int
    rows: tuple[object, ...]
    has_next_page: bool

    @property
    def end(self) -> int:
        """The offset after the last row."""
        return self.offset + len(self.rows)


class PaginationState(Struct, frozen=True):
    """The progress of a listing; the default value is its start.

    Attributes:
        next_offset: Offset of the next request; None if the listing is proven to be complete.
        end: End of the last accepted page.
        overlap: Number of rows between the next offset and ``end``.
        recent_rows: The last 8,000 rows of the accepted pages since the last restart, in order.
        seen_versions: All row versions of the listing.
        repeated_rows: Number of rows with the key of another row on the same page.
        page_count: Number of responses, accepted or not.
    """

    next_offset: int | None = 0
    end: int = 0
    overlap: int = 1
    recent_rows: tuple[RowVersion, ...] = ()
    seen_versions: frozenset[RowVersion] = frozenset()
    seen_keys: frozenset[str] = frozenset()
    repeated_rows: int = 0
    page_count: int = 0
    restart_count: int = 0


def process_page(
    pagination: PaginationState, page: Page
) -> tuple[PaginationState, tuple[object, ...]]:
    """Process the response to the request at ``next_offset``.

    Returns:
        The next state, and the rows in a version not seen before. Rows of a page that is not
        accepted are returned, too: they are valid, but prove nothing about other rows.

    Raises:
        IncompleteListingError: A bound was reached without proof of a complete listing.
    """
    items: dict[RowVersion, object] = {}
    for item in page.rows:
        items.setdefault(read_row_version(item), item)
    page_rows = tuple(items)
    new_items = tuple(item for row, item in items.items() if row not in pagination.seen_versions)
    problem = _find_page_error(pagination, page, page_rows)
    state = replace(
        pagination,
        seen_versions=pagination.seen_versions.union(page_rows),
        seen_keys=pagination.seen_keys.union(row.key for row in page_rows),
        page_count=pagination.page_count + 1,
    )
    if problem is None:
        return _advance(state, page, page_rows), new_items
    overlap = state.overlap * 2
    # An overlap of all recent rows leads back to the start anyway.
    if overlap >= len(state.recent_rows):
        return _restart(state, problem), new_items
    widened = replace(state, overlap=overlap, next_offset=state.end - overlap)
    return _check_bounds(widened, problem), new_items


def read_row_version(row: object) -> RowVersion:
    """Return the version of an item. Items that are no rows take a place in the list, too."""
    if isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"]:
        return RowVersion(row["id"], f"{row.get('sequence_id')!r} {row.get('updated_at_utc')!r}")
    text = json.dumps(row, sort_keys=True)
    return RowVersion(f"#{hashlib.sha256(text.encode()).hexdigest()}", "")


def _find_page_error(
    pagination: PaginationState, page: Page, page_rows: tuple[RowVersion, ...]
) -> str | None:
    """Return why a page cannot be accepted, None if it proves that no row was skipped."""
    if page.offset != pagination.next_offset:
        return "the response began at another offset than requested"
    if page.has_next_page and len(page_rows) < _MIN_PAGE_ROWS:
        return "a page with a next page was too small to overlap"
    if page.offset == 0:
        return None
    if (
        page.has_next_page
        and page.end > pagination.end
        and set(page_rows).issubset(pagination.recent_rows)
    ):
        return "a page with a next page had no new rows"
    return find_overlap_error(pagination.recent_rows, pagination.seen_keys, page_rows)


def find_overlap_error(
    recent_rows: Sequence[RowVersion], seen_keys: Collection[str], page_rows: Sequence[RowVersion]
) -> str | None:
    """Return why a page is not proven to be continuous with earlier pages, or None if it is.

    A row on both sides in the same version is an *anchor*. While unchanged rows keep their order,
    one anchor is proof: any row before it now was before it in the earlier pages. OpenTable does
    not promise an order, so anchors in another order, unseen rows before an anchor and more gaps
    than anchors count as signs of reordering.

    Args:
        recent_rows: Rows of the accepted pages in order, each once.
        seen_keys: Keys of all rows of the listing.
        page_rows: Rows of the new page in order, each once.
    """
    positions = {row: position for position, row in enumerate(recent_rows)}
    anchors = [index for index, row in enumerate(page_rows) if row in positions]
    if not anchors:
        return "no row of the earlier pages was repeated"
    anchor_positions = [positions[page_rows[index]] for index in anchors]
    if anchor_positions != sorted(anchor_positions):
        return "rows had changed places"
    if any(row.key not in seen_keys for row in page_rows[: anchors[-1]]):
        return "an unseen row came before repeated rows"
    # A page that ends within the recent rows says nothing about the rows after its end.
    is_page_end = anchors[-1] == len(page_rows) - 1
    overlap_end = anchor_positions[-1] + 1 if is_page_end else len(recent_rows)
    gaps = overlap_end - anchor_positions[0] - len(anchor_positions)
    if gaps > len(anchor_positions):
        return "too few rows of the earlier pages were repeated"
    return None


def _advance(
    state: PaginationState, page: Page, page_rows: tuple[RowVersion, ...]
) -> PaginationState:
    is_first_page = page.offset == 0
    recent_rows = page_rows if is_first_page else append_page(state.recent_rows, page_rows)
    repeated_rows = len(page.rows) - len({row.key for row in page_rows})
    state = replace(
        state,
        end=page.end,
        overlap=min(_MAX_OVERLAP_ROWS, max(1, len(page_rows) // 4)),
        recent_rows=recent_rows[-_MAX_RECENT_ROWS:],
        repeated_rows=repeated_rows if is_first_page else state.repeated_rows + repeated_rows,
    )
    if page.has_next_page:
        state = replace(state, next_offset=state.end - state.overlap)
        return _check_bounds(state, "the list has more pages")
    # Rows have moved past every page if the list has more places than keys were seen.
    if len(state.seen_keys) < state.end - state.repeated_rows:
        return _restart(state, "more rows are listed than were seen")
    return replace(state, next_offset=None)


def append_page(
    recent_rows: Sequence[RowVersion], page_rows: Sequence[RowVersion]
) -> tuple[RowVersion, ...]:
    """Return the recent rows up to the first anchor, followed by the continuous page from there."""
    positions = {row: position for position, row in enumerate(recent_rows)}
    first = next(index for index, row in enumerate(page_rows) if row in positions)
    return (*recent_rows[: positions[page_rows[first]]], *page_rows[first:])


def _restart(state: PaginationState, problem: str) -> PaginationState:
    restart_count = state.restart_count + 1
    restarted = replace(state, next_offset=0, recent_rows=(), restart_count=restart_count)
    return _check_bounds(restarted, problem)


def _check_bounds(state: PaginationState, problem: str) -> PaginationState:
    if state.page_count < MAX_PAGES and state.restart_count <= MAX_RESTARTS:
        return state
    raise IncompleteListingError(
        f"OpenTable's listing may be incomplete: {problem} ({state.page_count} pages,"
        f" {min(state.restart_count, MAX_RESTARTS)} restarts)."
        " The run stopped; the next run reads the listing again."
    )
