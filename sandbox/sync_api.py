"""Serve the Sync v2 endpoints: two lists, and a single reservation or guest by its id.

Query parameters are read as OpenTable's pages describe them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from sandbox.http import SandboxHttpError, SandboxRequest
from sandbox.models import SandboxGuest, SandboxReservation, split_id
from sandbox.oauth import Partner
from sandbox.store import ListCache, SandboxStore
from sandbox.sync_rows import (
    BehaviorSwitches,
    JsonRow,
    RenderContext,
    build_guest_row,
    build_reservation_row,
)

DEFAULT_PAGE_LIMIT = 1000  # documented, as is the maximum
MAX_PAGE_LIMIT = 2000
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """Filter reservations; all given conditions must match. Bounds are local times as text."""

    updated_after: datetime | None
    updated_inclusive: bool
    scheduled_from: str
    scheduled_to: str
    window_inclusive: bool
    state: str | None
    confirmation_id: str | None
    guest_key: str | None

    def matches(self, row: SandboxReservation) -> bool:
        """Return whether ``row`` matches."""
        # Texts of one format compare like the local times they contain. In the repeated hour of a
        # change to winter time, two instants have the same text.
        return (
            _is_after(row.updated, self.updated_after, inclusive=self.updated_inclusive)
            and self.scheduled_from <= row.scheduled_local <= self.scheduled_to
            and (
                self.window_inclusive
                or row.scheduled_local not in {self.scheduled_from, self.scheduled_to}
            )
            and self.state in {None, row.state}
            and self.confirmation_id in {None, str(row.confirmation_id)}
            and self.guest_key in {None, row.guest_key}
        )


@dataclass(frozen=True, slots=True)
class GuestFilter:
    """Filter guests; all given conditions must match."""

    updated_after: datetime | None
    updated_inclusive: bool
    email_optin: bool | None

    def matches(self, guest: SandboxGuest) -> bool:
        """Return whether ``guest`` matches."""
        is_updated = _is_after(guest.updated, self.updated_after, inclusive=self.updated_inclusive)
        return is_updated and self.email_optin in {None, guest.email_optin}


def parse_reservation_filter(
    query: Mapping[str, str], choices: BehaviorSwitches
) -> ReservationFilter:
    """Parse the query of a reservation list; reject invalid values with 400."""
    return ReservationFilter(
        updated_after=_parse_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        scheduled_from=_parse_local_time(query.get("scheduled_time_from"), ""),
        # "~" sorts after every time.
        scheduled_to=_parse_local_time(query.get("scheduled_time_to"), "~"),
        window_inclusive=choices.window_inclusive,
        state=query.get("state"),
        confirmation_id=query.get("confirmation_id"),
        guest_key=query.get("guest_id"),  # documented without the `{rid}-` prefix
    )


def parse_guest_filter(query: Mapping[str, str], choices: BehaviorSwitches) -> GuestFilter:
    """Parse the query of a guest list; reject invalid values with 400."""
    email_optin = query.get("email_optin")
    return GuestFilter(
        updated_after=_parse_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        email_optin=None if email_optin is None else email_optin == "true",
    )


def parse_number(
    query: Mapping[str, str], name: str, default: int | None = None, minimum: int = 0
) -> int:
    """Parse a whole number of at least ``minimum``; reject other values with 400."""
    text = query.get(name, "" if default is None else str(default))
    if not text.isdecimal() or int(text) < minimum:
        raise _invalid_parameter_error(name)
    return int(text)


def parse_page_limit(query: Mapping[str, str], choices: BehaviorSwitches) -> int:
    """Read the page size: 1000 by default, 2000 at most."""
    limit = parse_number(query, "limit", DEFAULT_PAGE_LIMIT, minimum=1)
    if limit > MAX_PAGE_LIMIT and choices.above_limit == "refuse":
        raise _invalid_parameter_error("limit")
    return min(limit, MAX_PAGE_LIMIT)


def _is_after(updated: datetime, bound: datetime | None, *, inclusive: bool) -> bool:
    return bound is None or updated > bound or (inclusive and updated == bound)


def _parse_instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid_parameter_error("updated_after") from None
    # Documented as UTC. Real clients send it with and without milliseconds.
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _parse_local_time(text: str | None, default: str) -> str:
    # A zone or fraction behind the seconds is dropped: real clients send UTC here by mistake.
    if text is None:
        return default
    match = _LOCAL_TIME.match(text)
    if match is None:
        raise _invalid_parameter_error("scheduled_time")
    return match.group()


def _invalid_parameter_error(name: str) -> SandboxHttpError:
    return SandboxHttpError(400, "spring_message", message=f"Send a valid value for '{name}'.")


_PREFIX = "/sync/v2/"


class SyncApi:
    """Return rows to partners, limited to their tier's fields and granted rids."""

    def __init__(self, store: SandboxStore, choices: BehaviorSwitches, base_url: str) -> None:
        self._store = store
        self._choices = choices
        self._base_url = base_url
        self._reservations: ListCache[SandboxReservation] = ListCache()
        self._guests: ListCache[SandboxGuest] = ListCache()

    def build_payload(self, request: SandboxRequest, partner: Partner) -> JsonRow:
        """Return the payload of an authenticated request.

        Raises:
            SandboxHttpError: 400 bad parameter, 403 rid not granted, 404 unknown path or id,
                405 another method than GET.
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
        if id_parts is None:
            raise SandboxHttpError(404, "spring")
        context = self._build_context(id_parts[0], partner)
        get = self._store.get_guest if resource == "guests" else self._store.get_reservation
        item = get(*id_parts)
        if item is None:
            raise SandboxHttpError(404, "spring")
        row = self._render(item, context)
        # OpenTable names this request but shows no response.
        if self._choices.single_get == "bare":
            return row
        return _build_list_envelope([row], offset=0, limit=1, next_url=None)

    def _list(self, resource: str, request: SandboxRequest, partner: Partner) -> JsonRow:
        rid = parse_number(request.query, "rid")
        context = self._build_context(rid, partner)
        offset = parse_number(request.query, "offset", 0)
        limit = parse_page_limit(request.query, self._choices)
        items = self._list_items(resource, rid, request.query)
        rows = [self._render(item, context) for item in items[offset : offset + limit]]
        next_url = None
        if offset + limit < len(items):
            # The form is undocumented: all samples have a single page. The filters are repeated.
            query = urlencode({**request.query, "offset": offset + limit, "limit": limit})
            host = self._base_url if self._choices.next_page_url == "absolute" else ""
            next_url = f"{host}{request.path}?{query}"
        return _build_list_envelope(rows, offset=offset, limit=limit, next_url=next_url)

    def _list_items(
        self, resource: str, rid: int, query: Mapping[str, str]
    ) -> Sequence[SandboxReservation | SandboxGuest]:
        # The version is a part of the key: a write between two pages shifts the rows of the second.
        scope, order = (rid, self._store.get_version(rid)), self._choices.order
        if resource == "guests":
            guests = parse_guest_filter(query, self._choices)
            return self._guests.get_rows(scope, lambda: self._store.list_guests(rid), guests, order)
        reservations = parse_reservation_filter(query, self._choices)
        return self._reservations.get_rows(
            scope, lambda: self._store.list_reservations(rid), reservations, order
        )

    def _render(self, item: SandboxReservation | SandboxGuest, context: RenderContext) -> JsonRow:
        if isinstance(item, SandboxGuest):
            return build_guest_row(item, context, primary_format=self._choices.primary_guest)
        return build_reservation_row(item, self._store.get_guest(item.rid, item.guest_key), context)

    def _build_context(self, rid: int, partner: Partner) -> RenderContext:
        # The body is that of the older developer guide.
        if rid not in partner.rids:
            raise SandboxHttpError(403, "legacy", "no_rid_routing", f"No routing for RID:{rid}")
        return RenderContext(partner.tier, self._store.get_restaurant(rid).zone, self._base_url)


def _build_list_envelope(
    items: Sequence[JsonRow], *, offset: int, limit: int, next_url: str | None
) -> JsonRow:
    return {
        "hasNextPage": next_url is not None,
        "nextPageUrl": next_url,
        "offset": offset,
        "limit": limit,
        "items": items,
    }
