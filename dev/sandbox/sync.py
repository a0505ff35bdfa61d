"""The Sync v2 endpoints: two lists, and a single reservation or guest by its id."""

from collections.abc import Iterable
from urllib.parse import urlencode

from dev.sandbox.book import Book
from dev.sandbox.choices import Choices
from dev.sandbox.errors import Refused
from dev.sandbox.guest_rows import guest_row
from dev.sandbox.ids import split_id
from dev.sandbox.listing import Listings
from dev.sandbox.messages import Request
from dev.sandbox.query import guest_filter, number, page_limit, reservation_filter
from dev.sandbox.records import Guest, Reservation
from dev.sandbox.rows import Row, View, reservation_row
from dev.sandbox.tokens import Partner

_PREFIX = "/sync/v2/"


class Sync:
    """Reads the book for partners, each by its tier and its granted rids."""

    def __init__(self, book: Book, choices: Choices, base_url: str) -> None:
        """Read ``book`` under ``choices``; ``base_url`` stands in every link."""
        self._book = book
        self._choices = choices
        self._base_url = base_url
        self._reservations: Listings[Reservation] = Listings()
        self._guests: Listings[Guest] = Listings()

    def answer(self, request: Request, partner: Partner) -> Row:
        """Return the payload of an authenticated request.

        Raises:
            Refused: 400 bad parameter, 403 rid not granted, 404 no such path or id, 405 not GET.
        """
        if request.method != "GET":
            raise Refused(405, "spring")
        kind, _, text = request.path.removeprefix(_PREFIX).partition("/")
        if not request.path.startswith(_PREFIX) or kind not in {"reservations", "guests"}:
            raise Refused(404, "spring")
        return self._single(kind, text, partner) if text else self._list(kind, request, partner)

    def _single(self, kind: str, text: str, partner: Partner) -> Row:
        found = split_id(text)
        row = found and self._row(kind, *found, self._view(found[0], partner))
        if row is None:
            raise Refused(404, "spring")
        if self._choices.single_get == "bare":
            return row
        return _envelope([row], offset=0, limit=1, next_url=None)

    def _row(self, kind: str, rid: int, key: str, view: View) -> Row | None:
        if kind == "guests":
            guest = self._book.guest(rid, key)
            return self._render_guest(guest, view) if guest else None
        reservation = self._book.reservation(rid, key)
        return self._render(reservation, view) if reservation else None

    def _list(self, kind: str, request: Request, partner: Partner) -> Row:
        rid = number(request.query, "rid")
        view = self._view(rid, partner)
        offset = number(request.query, "offset", 0)
        limit = page_limit(request.query, self._choices)
        rows, total = self._page(kind, rid, request, view, slice(offset, offset + limit))
        more = offset + limit < total
        following = self._next_url(request, offset + limit, limit) if more else None
        return _envelope(rows, offset=offset, limit=limit, next_url=following)

    def _page(
        self, kind: str, rid: int, request: Request, view: View, part: slice
    ) -> tuple[list[Row], int]:
        scope, order = (rid, self._book.version(rid)), self._choices.order
        if kind == "guests":
            asked = guest_filter(request.query, self._choices)
            guests = self._guests.rows(scope, lambda: self._book.guests(rid), asked, order)
            return [self._render_guest(guest, view) for guest in guests[part]], len(guests)
        wanted = reservation_filter(request.query, self._choices)
        rows = self._reservations.rows(scope, lambda: self._book.reservations(rid), wanted, order)
        return [self._render(row, view) for row in rows[part]], len(rows)

    def _render(self, row: Reservation, view: View) -> Row:
        return reservation_row(row, self._book.guest(row.rid, row.guest_key), view)

    def _render_guest(self, guest: Guest, view: View) -> Row:
        return guest_row(guest, view, primary=self._choices.primary_guest)

    def _view(self, rid: int, partner: Partner) -> View:
        if rid not in partner.rids:
            raise Refused(403, "legacy", "no_rid_routing", f"No routing for RID:{rid}")
        return View(partner.tier, self._book.restaurant(rid).zone, self._base_url)

    def _next_url(self, request: Request, offset: int, limit: int) -> str:
        query = urlencode({**request.query, "offset": offset, "limit": limit})
        host = self._base_url if self._choices.next_page_url == "absolute" else ""
        return f"{host}{request.path}?{query}"


def _envelope(items: Iterable[Row], *, offset: int, limit: int, next_url: str | None) -> Row:
    return {
        "hasNextPage": next_url is not None,
        "nextPageUrl": next_url,
        "offset": offset,
        "limit": limit,
        "items": list(items),
    }
