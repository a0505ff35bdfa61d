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


class Mark(NamedTuple):
    """One version of one row; a tuple, as a long listing hashes millions of them.

    Attributes:
        key: OpenTable's id, or a digest of the row where it has none.
        version: ``sequence_id`` and ``updated_at_utc`` as written; empty where there is no id.
    """

    key: str
    version: str


def mark_of(row: object) -> Mark:
    """Return the mark of any JSON value found among a listing's items.

    Args:
        row: An item as parsed. Items that are not rows get a mark too: they are still places in
            the list, and the proof counts places.
    """
    if isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"]:
        return Mark(row["id"], f"{row.get('sequence_id')!r} {row.get('updated_at_utc')!r}")
    text = json.dumps(row, sort_keys=True)
    return Mark(f"#{hashlib.sha256(text.encode()).hexdigest()}", "")


def obstacle_to_joining(
    trail: Sequence[Mark], keys: Collection[str], page: Sequence[Mark]
) -> str | None:
    """Return why a page cannot be shown to follow on, in words, or None where it is shown.

    Args:
        trail: The marks of the accepted pages, in the list's order, each once.
        keys: The keys of every row seen in the run, whatever its version.
        page: The new page's marks, in order, each once.
    """
    places = {mark: place for place, mark in enumerate(trail)}
    anchors = [index for index, mark in enumerate(page) if mark in places]
    if not anchors:
        return "nothing seen before was seen again"
    again = [places[page[index]] for index in anchors]
    if again != sorted(again):
        return "rows had changed places"
    if any(mark.key not in keys for mark in page[: anchors[-1]]):
        return "a row never seen stood before rows already seen"
    # A page that ends within the trail says nothing about the trail beyond its end.
    end = again[-1] + 1 if anchors[-1] == len(page) - 1 else len(trail)
    gaps = end - again[0] - len(again)
    return "too few of the rows already seen were seen again" if gaps > len(again) else None


def joined(trail: Sequence[Mark], page: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return the trail with a page that joins it: up to the first anchor, and from there on.

    Args:
        trail: As in `obstacle_to_joining`.
        page: A page for which that found no obstacle.
    """
    places = {mark: place for place, mark in enumerate(trail)}
    first = next(index for index, mark in enumerate(page) if mark in places)
    return (*trail[: places[page[first]]], *page[first:])
