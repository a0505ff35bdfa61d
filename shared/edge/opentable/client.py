"""The client: single rows and whole listings of one restaurant at a time."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from functools import partial

import requests
from msgspec import Struct

from shared.core.paging import Answer, Listing, accept, next_offset
from shared.edge.opentable.access import Access
from shared.edge.opentable.address import address, base_url
from shared.edge.opentable.clock import SYSTEM_CLOCK, Clock, Deadline
from shared.edge.opentable.query import Kind, Query
from shared.edge.opentable.reading import Reader
from shared.edge.opentable.replies import Row, prefixed, read_page, read_row
from shared.edge.opentable.token import Tokens
from shared.edge.opentable.transport import Transport

_PAGE_SIZE = 1_000


class Page(Struct, frozen=True):
    """What one answer to a listing brought.

    Attributes:
        rows: The rows whose version was not seen before in this run.
        strays: Items that are not JSON objects: nothing is known of them but that they are listed.
    """

    rows: tuple[Row, ...]
    strays: tuple[object, ...]


class OpenTableClient:
    """Reads OpenTable's Sync API; one serves the whole process.

    Args:
        api_url: The base URL of the API (``OPENTABLE_API_URL``).
        oauth_url: The base URL of its OAuth service (``OPENTABLE_OAUTH_URL``).
        session: From `shared.edge.opentable.transport.new_session`.
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
        tokens = Tokens(base_url("OPENTABLE_OAUTH_URL", oauth_url), transport, clock)
        self._api = base_url("OPENTABLE_API_URL", api_url)
        self._reader = Reader(transport, tokens)

    async def reservation(
        self, access: Access, open_table_id: str, deadline: Deadline
    ) -> Row | None:
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
        return await self._row(Kind.RESERVATIONS, access, open_table_id, deadline)

    async def guest(self, access: Access, guest_id: str, deadline: Deadline) -> Row | None:
        """Return a guest, or None where OpenTable has none of that id; as `reservation`."""
        return await self._row(Kind.GUESTS, access, guest_id, deadline)

    async def try_listing(self, access: Access, deadline: Deadline) -> int:
        """Ask for one reservation of a restaurant, whichever; return how many came.

        Args:
            access: The restaurant and its credentials.
            deadline: Bounds everything.

        Raises:
            As `reservation`.
        """
        query = {"rid": access.rid, "limit": "1"}
        url = address(self._api, "sync", "v2", Kind.RESERVATIONS, query=query)
        answer = await self._reader.read(access, url, read_page, deadline)
        return len(answer.items)

    async def pages(
        self, access: Access, kind: Kind, query: Query, deadline: Deadline
    ) -> AsyncIterator[Page]:
        """Yield a listing page by page; its end says that it was read and shown to be whole.

        The next page is under way while the caller is busy with this one.

        Args:
            access: The restaurant and its credentials.
            kind: What to list.
            query: Which of them.
            deadline: Bounds the whole listing.

        Raises:
            PagingUnprovenError: When the pages could not be shown to cover the list.
            OpenTableUnavailableError: When a page did not come in time.
            OpenTableRefusedError: When OpenTable refused the request.
            InvalidSettingsError: When the credentials cannot be used.
        """

        def ask(listing: Listing) -> asyncio.Task[Answer] | None:
            offset = next_offset(listing)
            if offset is None:
                return None
            return asyncio.create_task(self._page(access, kind, query, offset, deadline))

        listing = Listing()
        asked = ask(listing)
        try:
            while asked is not None:
                listing, news = accept(listing, await asked)
                asked = ask(listing)
                rows = tuple(item for item in news if isinstance(item, dict))
                yield Page(rows, tuple(item for item in news if not isinstance(item, dict)))
        finally:
            if asked is not None:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    async def _page(
        self, access: Access, kind: Kind, query: Query, offset: int, deadline: Deadline
    ) -> Answer:
        place = {"rid": access.rid, "limit": str(_PAGE_SIZE), "offset": str(offset)}
        url = address(self._api, "sync", "v2", kind, query=place | query.parameters())
        return await self._reader.read(access, url, read_page, deadline)

    async def _row(
        self, kind: Kind, access: Access, open_table_id: str, deadline: Deadline
    ) -> Row | None:
        url = address(self._api, "sync", "v2", kind, prefixed(access.rid, open_table_id))
        read = partial(read_row, rid=access.rid, asked=open_table_id)
        return await self._reader.read_if_there(access, url, read, deadline)
