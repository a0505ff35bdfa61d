"""The shapes that Sync answers come in.

The client: single rows and whole listings of one restaurant at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from functools import partial
from typing import Any

import requests
from msgspec import Struct

from shared.concurrency import SYSTEM_CLOCK, Clock, Deadline
from shared.config import build_url, validate_base_url
from shared.domain.opentable_pagination import Page, PaginationState, accept_page, next_page_offset
from shared.opentable.auth import AccessTokenCache, AuthorizedClient
from shared.opentable.query import ListingQuery, OpenTableAccess, Resource
from shared.opentable.transport import Transport, UnreadableBodyError

OpenTableRow = dict[str, Any]


"""A reservation or guest as OpenTable sent it, parsed from JSON and not yet checked."""


def parse_page(body: dict[str, object]) -> Page:
    """Return the page that a listing's envelope holds.

    Raises:
        UnreadableBodyError: When ``offset``, ``hasNextPage`` or ``items`` is not of its kind.
    """
    offset, has_next_page, items = body.get("offset"), body.get("hasNextPage"), body.get("items")
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise UnreadableBodyError("does not say its offset")
    if not isinstance(has_next_page, bool):
        raise UnreadableBodyError("does not say whether it has a next page")
    if not isinstance(items, list):
        raise UnreadableBodyError("has no list of items")
    return Page(offset, tuple(items), has_next_page)


def parse_row(body: dict[str, object], rid: str, requested_id: str) -> OpenTableRow | None:
    """Return the one row that was asked for by id.

    OpenTable documents no sample of this answer, so an envelope around it is accepted too.

    Args:
        body: The bare row, or an envelope whose ``items`` hold it alone or nothing.
        rid: The restaurant's number, which ids carry as a prefix or not.
        requested_id: The id asked for.

    Returns:
        The row, or None for an envelope with no items.

    Raises:
        UnreadableBodyError: When the body is neither, or is some other row.
    """
    items = body.get("items", [body])
    if items == []:
        return None
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise UnreadableBodyError("is not one row")
    row: OpenTableRow = items[0]
    if not isinstance(row.get("id"), str) or _normalize_id(rid, row["id"]) != _normalize_id(
        rid, requested_id
    ):
        raise UnreadableBodyError("is not the row that was asked for")
    return row


def build_api_id(rid: str, open_table_id: str) -> str:
    """Return an id with its restaurant's number in front, as the API's addresses want it."""
    return f"{rid}-{open_table_id.removeprefix(f'{rid}-')}"


def _normalize_id(rid: str, open_table_id: str) -> str:
    return open_table_id.removeprefix(f"{rid}-").lower()


_PAGE_SIZE = 1_000


class RowPage(Struct, frozen=True):
    """What one answer to a listing brought.

    Attributes:
        rows: The rows whose version was not seen before in this run.
        malformed_items: Items that are not JSON objects: nothing is known of them but that they
            are listed.
    """

    rows: tuple[OpenTableRow, ...]
    malformed_items: tuple[object, ...]


class OpenTableClient:
    """Reads OpenTable's Sync API; one serves the whole process.

    Args:
        api_url: The base URL of the API (``OPENTABLE_API_URL``).
        oauth_url: The base URL of its OAuth service (``OPENTABLE_OAUTH_URL``).
        session: From `shared.opentable.transport.build_session`.
        executor: Its worker threads bound the calls under way at once.
        clock: Where time comes from.

    Raises:
        InvalidSettingsError: When a URL is not one that a token may be sent to.
    """

    def __init__(
        self,
        api_url: str,
        oauth_url: str,
        session: requests.Session,
        executor: Executor,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        transport = Transport(session, executor)
        access_tokens = AccessTokenCache(
            validate_base_url("OPENTABLE_OAUTH_URL", oauth_url), transport, clock
        )
        self._api_url = validate_base_url("OPENTABLE_API_URL", api_url)
        self._authorized_client = AuthorizedClient(transport, access_tokens)

    async def fetch_reservation(
        self, access: OpenTableAccess, open_table_id: str, deadline: Deadline
    ) -> OpenTableRow | None:
        """Return a reservation, or None where OpenTable has none of that id.

        Args:
            access: The restaurant and its credentials.
            open_table_id: The id as OpenTable wrote it, with or without its ``{rid}-``.
            deadline: Bounds everything, token and retries included.

        Raises:
            OpenTableUnavailableError: When no usable answer came in time.
            OpenTableRefusedError: When OpenTable refused the request.
            InvalidSettingsError: When the credentials cannot be used.
        """
        return await self._fetch_row(Resource.RESERVATIONS, access, open_table_id, deadline)

    async def fetch_guest(
        self, access: OpenTableAccess, guest_id: str, deadline: Deadline
    ) -> OpenTableRow | None:
        """Return a guest, or None where OpenTable has none of that id; as `fetch_reservation`."""
        return await self._fetch_row(Resource.GUESTS, access, guest_id, deadline)

    async def probe_listing(self, access: OpenTableAccess, deadline: Deadline) -> int:
        """Ask for one reservation of a restaurant, whichever; return how many came.

        Args:
            access: The restaurant and its credentials.
            deadline: Bounds everything.

        Raises:
            As `fetch_reservation`.
        """
        query = {"rid": access.rid, "limit": "1"}
        url = build_url(self._api_url, "sync", "v2", Resource.RESERVATIONS, query=query)
        page = await self._authorized_client.get(access, url, parse_page, deadline)
        return len(page.rows)

    async def iterate_pages(
        self, access: OpenTableAccess, resource: Resource, query: ListingQuery, deadline: Deadline
    ) -> AsyncIterator[RowPage]:
        """Yield a listing page by page; its end says that it was read and shown to be whole.

        The next page is under way while the caller is busy with this one.

        Args:
            access: The restaurant and its credentials.
            resource: What to list.
            query: Which of them.
            deadline: Bounds the whole listing.

        Raises:
            PagingUnprovenError: When the pages could not be shown to cover the list.
            OpenTableUnavailableError: When a page did not come in time.
            OpenTableRefusedError: When OpenTable refused the request.
            InvalidSettingsError: When the credentials cannot be used.
        """

        def request_next_page(pagination: PaginationState) -> asyncio.Task[Page] | None:
            offset = next_page_offset(pagination)
            if offset is None:
                return None
            return asyncio.create_task(self._fetch_page(access, resource, query, offset, deadline))

        pagination = PaginationState()
        pending_page = request_next_page(pagination)
        try:
            while pending_page is not None:
                pagination, new_items = accept_page(pagination, await pending_page)
                pending_page = request_next_page(pagination)
                rows = tuple(item for item in new_items if isinstance(item, dict))
                yield RowPage(rows, tuple(item for item in new_items if not isinstance(item, dict)))
        finally:
            if pending_page is not None:
                pending_page.cancel()
                await asyncio.gather(pending_page, return_exceptions=True)

    async def _fetch_page(
        self,
        access: OpenTableAccess,
        resource: Resource,
        query: ListingQuery,
        offset: int,
        deadline: Deadline,
    ) -> Page:
        page_parameters = {"rid": access.rid, "limit": str(_PAGE_SIZE), "offset": str(offset)}
        url = build_url(
            self._api_url, "sync", "v2", resource, query=page_parameters | query.to_parameters()
        )
        return await self._authorized_client.get(access, url, parse_page, deadline)

    async def _fetch_row(
        self, resource: Resource, access: OpenTableAccess, open_table_id: str, deadline: Deadline
    ) -> OpenTableRow | None:
        url = build_url(
            self._api_url, "sync", "v2", resource, build_api_id(access.rid, open_table_id)
        )
        parse = partial(parse_row, rid=access.rid, requested_id=open_table_id)
        return await self._authorized_client.get_or_none(access, url, parse, deadline)
