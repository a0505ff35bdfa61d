"""Reading a whole listing by offsets, with proof: a small state machine without any I/O.

``nextPageUrl`` is never followed. The next offset is where the answer says that its rows end,
less an overlap of up to 25 rows, and a page is *accepted* only when it joins on to those before
it (`shared.core.continuity`). Where it does not, the overlap is doubled; the page at offset 0
joins on to nothing and begins anew. Pages and new beginnings are bounded: what cannot be shown
within the bounds is a `PagingUnprovenError`, so a page that repeats for ever, an empty page that
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

from msgspec import Struct
from msgspec.structs import replace

from shared.core.continuity import Mark, joined, mark_of, obstacle_to_joining
from shared.errors import PagingUnprovenError

MAX_PAGES = 500
MAX_RESTARTS = 3
_OVERLAP = 25
_TRAIL = 8_000


class Answer(Struct, frozen=True):
    """One page as OpenTable sent it.

    Attributes:
        offset: The number of rows before this page, as the answer itself says.
        items: The page's rows, parsed from JSON and otherwise as they came.
        more: Its ``hasNextPage``.
    """

    offset: int
    items: tuple[object, ...]
    more: bool


class Listing(Struct, frozen=True):
    """How far a listing has been read; the default value is its beginning.

    Attributes:
        ask: The offset to ask for next.
        done: Whether the whole listing was read and shown to be whole.
        end: Where the last accepted page ended.
        overlap: How many rows before ``end`` the next page begins.
        trail: The last marks of the accepted pages since the last beginning, in the list's order;
            8,000 at most, as nothing goes back further but to the beginning.
        seen: Every version of every row seen in the run.
        keys: Their keys.
        repeats: Places taken by a key that its own page held already.
        pages: How many answers were taken.
        restarts: How many times the listing began anew.
    """

    ask: int = 0
    done: bool = False
    end: int = 0
    overlap: int = 1
    trail: tuple[Mark, ...] = ()
    seen: frozenset[Mark] = frozenset()
    keys: frozenset[str] = frozenset()
    repeats: int = 0
    pages: int = 0
    restarts: int = 0


def next_offset(listing: Listing) -> int | None:
    """Return the offset to ask for, or None once the listing is done."""
    return None if listing.done else listing.ask


def accept(listing: Listing, answer: Answer) -> tuple[Listing, tuple[object, ...]]:
    """Take the answer to the request at `next_offset`.

    Args:
        listing: The state that the request was made from.
        answer: What came back.

    Returns:
        The next state, and the rows whose version had not been seen before. Rows of a page that
        does not join on are returned as well: they are true, only not proof.

    Raises:
        PagingUnprovenError: When the bounds are reached with no proof.
    """
    rows: dict[Mark, object] = {}
    for item in answer.items:
        rows.setdefault(mark_of(item), item)
    page = tuple(rows)
    news = tuple(row for mark, row in rows.items() if mark not in listing.seen)
    obstacle = _obstacle(listing, answer, page)
    known = replace(
        listing,
        seen=listing.seen.union(page),
        keys=listing.keys.union(mark.key for mark in page),
        pages=listing.pages + 1,
    )
    return (_back(known, obstacle) if obstacle else _onward(known, answer, page)), news


def _obstacle(listing: Listing, answer: Answer, page: tuple[Mark, ...]) -> str | None:
    if answer.offset != listing.ask:
        return "the answer began at an offset that was not asked for"
    if answer.more and len(page) < 2:  # noqa: PLR2004 -- one row to see again, one to advance by
        return "a page too small to overlap promised more"
    if answer.offset == 0:
        return None
    if answer.more and _end(answer) > listing.end and set(page).issubset(listing.trail):
        return "a page promised more and brought nothing new"
    return obstacle_to_joining(listing.trail, listing.keys, page)


def _onward(known: Listing, answer: Answer, page: tuple[Mark, ...]) -> Listing:
    first = answer.offset == 0
    repeats = len(answer.items) - len({mark.key for mark in page})
    state = replace(
        known,
        end=_end(answer),
        overlap=min(_OVERLAP, max(1, len(page) // 4)),
        trail=(page if first else joined(known.trail, page))[-_TRAIL:],
        repeats=repeats if first else known.repeats + repeats,
    )
    if answer.more:
        return _bounded(replace(state, ask=state.end - state.overlap), "the listing went on")
    if len(state.keys) < state.end - state.repeats:
        return _anew(state, "more rows are listed than were seen")
    return replace(state, done=True)


def _back(known: Listing, obstacle: str) -> Listing:
    overlap = known.overlap * 2
    if overlap >= len(known.trail):
        return _anew(known, obstacle)
    return _bounded(replace(known, overlap=overlap, ask=known.end - overlap), obstacle)


def _anew(known: Listing, obstacle: str) -> Listing:
    anew = replace(known, ask=0, end=0, trail=(), restarts=known.restarts + 1)
    return _bounded(anew, obstacle)


def _bounded(state: Listing, obstacle: str) -> Listing:
    if state.pages < MAX_PAGES and state.restarts <= MAX_RESTARTS:
        return state
    raise PagingUnprovenError(
        f"A listing could not be shown to be whole: {obstacle} ({state.pages} pages,"
        f" {min(state.restarts, MAX_RESTARTS)} new beginnings). Nothing may be concluded from it;"
        " the next run lists it again."
    )


def _end(answer: Answer) -> int:
    return answer.offset + len(answer.items)
