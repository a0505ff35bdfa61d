"""Whether a page of a listing joins on to the pages before it.

Offset pages are cut from a list that moves while it is read: a changed row may go to the end,
and every later row then slides one place towards the front, past the next offset. So each page
is asked for with an overlap, and a page counts only when the overlap is *seen again*.

One row that stands in both pages unchanged (an *anchor*) is enough wherever unchanged rows keep
their order among themselves: whatever stood before the anchor then stands before it now, was
seen then, and whatever stands after it is in the new page. OpenTable promises no order, so three
signs of an order that does not hold are looked for as well: anchors that changed places, a row
never seen before in front of an anchor, and more gaps than anchors in what should be seen again.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import NamedTuple


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
