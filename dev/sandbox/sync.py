"""The Sync v2 endpoints: two lists, and a single reservation or guest by its id."""

from collections.abc import Iterable
from urllib.parse import urlencode

from dev.sandbox.book import SandboxStore
from dev.sandbox.choices import BehaviorSwitches
from dev.sandbox.errors import SandboxHttpError
from dev.sandbox.guest_rows import build_guest_row
from dev.sandbox.ids import split_id
from dev.sandbox.listing import ListCache
from dev.sandbox.messages import SandboxRequest
from dev.sandbox.query import (
    parse_guest_filter,
    parse_number,
    parse_page_limit,
    parse_reservation_filter,
)
from dev.sandbox.records import SandboxGuest, SandboxReservation
from dev.sandbox.rows import JsonRow, RenderContext, build_reservation_row
from dev.sandbox.tokens import Partner

_PREFIX = "/sync/v2/"


class SyncApi:
    """Reads the book for partners, each by its tier and its granted rids."""

    def __init__(self, store: SandboxStore, choices: BehaviorSwitches, base_url: str) -> None:
        """Read ``store`` under ``choices``; ``validate_base_url`` stands in every link."""
        self._store = store
        self._choices = choices
        self._base_url = base_url
        self._reservations: ListCache[SandboxReservation] = ListCache()
        self._guests: ListCache[SandboxGuest] = ListCache()

    def build_payload(self, request: SandboxRequest, partner: Partner) -> JsonRow:
        """Return the payload of an authenticated request.

        Raises:
            Refused: 400 bad parameter, 403 rid not granted, 404 no such path or id, 405 not GET.
        """
        if request.method != "GET":
            raise SandboxHttpError(405, "spring")
        resource, _, id_text = request.path.removeprefix(_PREFIX).partition("/")
        if not request.path.startswith(_PREFIX) or resource not in {"reservations", "guests"}:
            raise SandboxHttpError(404, "spring")
        return (
            self._get_one(resource, id_text, partner)
            if id_text
            else self._list(resource, request, partner)
        )

    def _get_one(self, resource: str, id_text: str, partner: Partner) -> JsonRow:
        id_parts = split_id(id_text)
        row = id_parts and self._find_row(
            resource, *id_parts, self._build_context(id_parts[0], partner)
        )
        if row is None:
            raise SandboxHttpError(404, "spring")
        if self._choices.single_get == "bare":
            return row
        return _build_list_envelope([row], offset=0, limit=1, next_url=None)

    def _find_row(
        self, resource: str, rid: int, key: str, context: RenderContext
    ) -> JsonRow | None:
        if resource == "guests":
            guest = self._store.get_guest(rid, key)
            return self._render_guest(guest, context) if guest else None
        reservation = self._store.get_reservation(rid, key)
        return self._render_reservation(reservation, context) if reservation else None

    def _list(self, resource: str, request: SandboxRequest, partner: Partner) -> JsonRow:
        rid = parse_number(request.query, "rid")
        context = self._build_context(rid, partner)
        offset = parse_number(request.query, "offset", 0)
        limit = parse_page_limit(request.query, self._choices)
        rows, total = self._read_page(
            resource, rid, request, context, slice(offset, offset + limit)
        )
        has_more = offset + limit < total
        next_url = self._next_url(request, offset + limit, limit) if has_more else None
        return _build_list_envelope(rows, offset=offset, limit=limit, next_url=next_url)

    def _read_page(
        self, resource: str, rid: int, request: SandboxRequest, context: RenderContext, part: slice
    ) -> tuple[list[JsonRow], int]:
        scope, order = (rid, self._store.get_version(rid)), self._choices.order
        if resource == "guests":
            requested_guests = parse_guest_filter(request.query, self._choices)
            guests = self._guests.get_rows(
                scope, lambda: self._store.list_guests(rid), requested_guests, order
            )
            return [self._render_guest(guest, context) for guest in guests[part]], len(guests)
        requested_reservations = parse_reservation_filter(request.query, self._choices)
        rows = self._reservations.get_rows(
            scope, lambda: self._store.list_reservations(rid), requested_reservations, order
        )
        return [self._render_reservation(row, context) for row in rows[part]], len(rows)

    def _render_reservation(self, row: SandboxReservation, context: RenderContext) -> JsonRow:
        return build_reservation_row(row, self._store.get_guest(row.rid, row.guest_key), context)

    def _render_guest(self, guest: SandboxGuest, context: RenderContext) -> JsonRow:
        return build_guest_row(guest, context, primary_format=self._choices.primary_guest)

    def _build_context(self, rid: int, partner: Partner) -> RenderContext:
        if rid not in partner.rids:
            raise SandboxHttpError(403, "legacy", "no_rid_routing", f"No routing for RID:{rid}")
        return RenderContext(partner.tier, self._store.get_restaurant(rid).zone, self._base_url)

    def _next_url(self, request: SandboxRequest, offset: int, limit: int) -> str:
        query = urlencode({**request.query, "offset": offset, "limit": limit})
        host = self._base_url if self._choices.next_page_url == "absolute" else ""
        return f"{host}{request.path}?{query}"


def _build_list_envelope(
    items: Iterable[JsonRow], *, offset: int, limit: int, next_url: str | None
) -> JsonRow:
    return {
        "hasNextPage": next_url is not None,
        "nextPageUrl": next_url,
        "offset": offset,
        "limit": limit,
        "items": list(items),
    }
