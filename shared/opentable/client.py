"""Client for OpenTable's Sync API: one row by id, or a listing page by page, and the access tokens.

The tokens are OAuth tokens, requested and cached, or a restaurant's API key.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import TypeVar
from weakref import WeakValueDictionary

import requests
from cachetools import TLRUCache

from shared.concurrency import SYSTEM_CLOCK, Clock, Deadline
from shared.config import build_url, validate_base_url
from shared.domain.normalization.field_values import parse_identifier
from shared.domain.normalization.identifiers import (
    add_rid_prefix,
    list_id_spellings,
    remove_rid_prefix,
)
from shared.domain.opentable_pagination import Page, PaginationState, process_page
from shared.domain.validation import RedactedStruct
from shared.domain.webhook_auth import Credentials
from shared.errors import (
    InvalidSettingsError,
    OpenTableItemRejectedError,
    OpenTableRequestRejectedError,
)
from shared.opentable.query import ListingQuery, OpenTableAccess, OpenTableRow, Resource, RowPage
from shared.opentable.transport import Transport, UnreadableBodyError, call_with_retries

_PAGE_SIZE = 1_000
# OpenTable may answer 400 to an id that it never issued, such as a relay's.
_NOT_FOUND_STATUSES = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.BAD_REQUEST})
_MAX_CACHED_TOKENS = 1_024
_MAX_EXPIRY_MARGIN_SECONDS = 60.0
_MAX_LIFETIME_SECONDS = 366 * 86_400
T = TypeVar("T")


class OpenTableClient:
    """Reads the Sync API for all restaurants of the process.

    Every method raises OpenTableUnavailableError when no usable answer came in time,
    OpenTableRequestRejectedError when OpenTable rejected the request, and InvalidSettingsError
    when the credentials are unusable. The deadline includes token requests and retries.
    """

    def __init__(
        self,
        api_url: str,
        oauth_url: str,
        session: requests.Session,
        executor: Executor,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Check the base URLs; `session` comes from `shared.opentable.transport.build_session`."""
        self._api_url = validate_base_url("OPENTABLE_API_URL", api_url)
        self._transport = Transport(session, executor)
        self._access_tokens = AccessTokenCache(
            validate_base_url("OPENTABLE_OAUTH_URL", oauth_url), self._transport, clock
        )

    async def fetch_row(
        self, access: OpenTableAccess, resource: Resource, open_table_id: str, deadline: Deadline
    ) -> OpenTableRow | None:
        """Return a reservation or a guest, None if OpenTable has none in any spelling of the id.

        The id may omit its ``{rid}-``.

        Raises:
            OpenTableItemRejectedError: OpenTable rejected the request for this item.
        """
        rejection: OpenTableItemRejectedError | None = None
        for spelling in list_id_spellings(open_table_id, access.rid):
            try:
                row = await self._fetch_spelling(access, resource, spelling, deadline)
            except OpenTableItemRejectedError as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    raise
                rejection = error
            else:
                if row is not None:
                    return row
        if rejection is not None:
            raise rejection
        return None

    async def _fetch_spelling(
        self, access: OpenTableAccess, resource: Resource, open_table_id: str, deadline: Deadline
    ) -> OpenTableRow | None:
        api_id = add_rid_prefix(open_table_id, access.rid)
        url = build_url(self._api_url, "sync", "v2", resource, api_id)
        parse = partial(parse_row, rid=access.rid, requested_id=open_table_id)

        async def get_row(token: str) -> OpenTableRow | None:
            # Caught here, not around the retries: a 404 of the token service is an error.
            try:
                return await self._transport.send("GET", url, f"Bearer {token}", parse, deadline)
            except OpenTableRequestRejectedError as error:
                if error.status in _NOT_FOUND_STATUSES:
                    return None
                raise OpenTableItemRejectedError(error.status, error.detail) from None

        return await self._call_with_token(access, get_row, deadline)

    async def probe_listing(self, access: OpenTableAccess, deadline: Deadline) -> int:
        """Request one reservation of a restaurant; return the number received (0 or 1)."""
        page = await self._fetch_page(access, Resource.RESERVATIONS, {"limit": "1"}, deadline)
        return len(page.rows)

    async def fetch_sample(
        self, access: OpenTableAccess, query: ListingQuery, deadline: Deadline
    ) -> list[OpenTableRow]:
        """Request one page of reservations; it proves nothing about the rest of the listing."""
        parameters = {"limit": str(_PAGE_SIZE)} | query.to_parameters()
        page = await self._fetch_page(access, Resource.RESERVATIONS, parameters, deadline)
        return [row for row in page.rows if isinstance(row, dict)]

    async def iterate_pages(
        self, access: OpenTableAccess, resource: Resource, query: ListingQuery, deadline: Deadline
    ) -> AsyncIterator[RowPage]:
        """Yield the pages of a listing; return only after the listing proved to be complete.

        Fetches the next page while the caller works on the current one.

        Raises:
            IncompleteListingError: The pages may not cover the list.
        """

        def start_next_page(pagination: PaginationState) -> asyncio.Task[Page] | None:
            offset = pagination.next_offset
            if offset is None:
                return None
            parameters = {"limit": str(_PAGE_SIZE), "offset": str(offset)} | query.to_parameters()
            return asyncio.create_task(self._fetch_page(access, resource, parameters, deadline))

        pagination = PaginationState()
        pending_page = start_next_page(pagination)
        try:
            while pending_page is not None:
                pagination, new_items = process_page(pagination, await pending_page)
                pending_page = start_next_page(pagination)
                yield RowPage(
                    tuple(item for item in new_items if isinstance(item, dict)),
                    tuple(item for item in new_items if not isinstance(item, dict)),
                )
        finally:
            # The caller may stop early: do not leave a request running behind it.
            if pending_page is not None:
                pending_page.cancel()
                await asyncio.gather(pending_page, return_exceptions=True)

    async def _fetch_page(
        self,
        access: OpenTableAccess,
        resource: Resource,
        parameters: Mapping[str, str],
        deadline: Deadline,
    ) -> Page:
        query = {"rid": access.rid, **parameters}
        url = build_url(self._api_url, "sync", "v2", resource, query=query)

        def get_page(token: str) -> Awaitable[Page]:
            return self._transport.send("GET", url, f"Bearer {token}", parse_page, deadline)

        return await self._call_with_token(access, get_page, deadline)

    async def _call_with_token(
        self, access: OpenTableAccess, call: Callable[[str], Awaitable[T]], deadline: Deadline
    ) -> T:
        """Make a call with a bearer token and retries; renew a rejected token once per attempt."""

        async def attempt() -> T:
            token = await self._access_tokens.get_bearer_token(access.credentials, deadline)
            try:
                return await call(token)
            except OpenTableRequestRejectedError as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise
                if not self._access_tokens.invalidate(access.credentials, token):
                    raise
            token = await self._access_tokens.get_bearer_token(access.credentials, deadline)
            return await call(token)

        return await call_with_retries(attempt, deadline)


def parse_page(body: dict[str, object]) -> Page:
    """Parse one page of a listing.

    Raises:
        UnreadableBodyError: The body has any other shape.
    """
    offset, has_next_page, items = body.get("offset"), body.get("hasNextPage"), body.get("items")
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise UnreadableBodyError("has no valid offset")
    if not isinstance(has_next_page, bool):
        raise UnreadableBodyError("has no valid hasNextPage")
    if not isinstance(items, list):
        raise UnreadableBodyError("has no list of items")
    return Page(offset, tuple(items), has_next_page)


def parse_row(body: dict[str, object], rid: str, requested_id: str) -> OpenTableRow | None:
    """Parse the answer to a request for one row; return None for an empty envelope.

    OpenTable documents no sample of this answer, so a bare row and an envelope with one item are
    both accepted.

    Raises:
        UnreadableBodyError: The body has another shape or another row.
    """
    items = body.get("items", [body])
    if items == []:
        return None
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise UnreadableBodyError("is not one row")
    row: OpenTableRow = items[0]
    row_id = parse_identifier(row.get("id"))  # as in a listing
    if row_id is None or _normalize_id(rid, row_id) != _normalize_id(rid, requested_id):
        raise UnreadableBodyError("has another row than the requested one")
    return row


def _normalize_id(rid: str, open_table_id: str) -> str:
    return remove_rid_prefix(open_table_id, rid).lower()


class _AccessToken(RedactedStruct, frozen=True):
    text: str
    expires_at: float  # in seconds of the monotonic clock


class AccessTokenCache:
    """The OAuth tokens of all credentials in use; concurrent callers share one request."""

    def __init__(self, oauth_url: str, transport: Transport, clock: Clock) -> None:
        query = {"grant_type": "client_credentials"}
        self._url = build_url(oauth_url, "api", "v2", "oauth", "token", query=query)
        self._transport = transport
        self._clock = clock
        # Keyed by a hash, so that the cache does not keep client secrets.
        self._tokens: TLRUCache[bytes, _AccessToken] = TLRUCache(
            _MAX_CACHED_TOKENS, ttu=lambda _, token, __: token.expires_at, timer=clock.monotonic
        )
        # A lock disappears with its last user, so the dictionary needs no size limit.
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def get_bearer_token(self, credentials: Credentials, deadline: Deadline) -> str:
        """Return the text to send as bearer token.

        Raises:
            InvalidSettingsError: The credentials have neither an API key usable in a header nor a
                client id and secret.
            OpenTableError: As for `Transport.send`.
        """
        basic_credentials = _encode_basic_credentials(credentials)
        if basic_credentials is None:
            if not credentials.api_key:
                raise InvalidSettingsError(
                    "No credential for OpenTable's API: store clientId and clientSecret, or apiKey."
                )
            if not _is_header_safe(credentials.api_key):
                raise InvalidSettingsError(
                    "The apiKey has characters that no HTTP header allows: store it again."
                )
            return credentials.api_key
        key = sha256(basic_credentials).digest()
        async with self._locks.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key)
            if token is None:
                authorization = f"Basic {b64encode(basic_credentials).decode()}"
                requested_at = self._clock.monotonic()
                token = await self._transport.send(
                    "POST",
                    self._url,
                    authorization,
                    lambda body: _parse_token(body, requested_at),
                    deadline,
                )
                self._tokens[key] = token
        return token.text

    def invalidate(self, credentials: Credentials, rejected_token: str) -> bool:
        """Drop a rejected token; return whether a new one can be requested.

        A newer token that another caller fetched in the meantime stays cached.
        """
        basic_credentials = _encode_basic_credentials(credentials)
        if basic_credentials is None:
            return False
        key = sha256(basic_credentials).digest()
        cached_token = self._tokens.get(key)
        if cached_token and cached_token.text == rejected_token:
            del self._tokens[key]
        return True


def _encode_basic_credentials(credentials: Credentials) -> bytes | None:
    if not (credentials.client_id and credentials.client_secret):
        return None
    return f"{credentials.client_id}:{credentials.client_secret}".encode()


def _parse_token(body: dict[str, object], requested_at: float) -> _AccessToken:
    text, lifetime_seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(text, str) or not _is_header_safe(text):
        raise UnreadableBodyError("has no usable access_token")
    if isinstance(lifetime_seconds, bool) or not isinstance(lifetime_seconds, int | float):
        raise UnreadableBodyError("has no usable expires_in")
    # An integer of JSON may exceed any float. A token is renewed at its first rejection anyway.
    lifetime_seconds = max(0, min(lifetime_seconds, _MAX_LIFETIME_SECONDS))
    # Renew early, so that a token does not expire on its way to OpenTable.
    margin_seconds = min(_MAX_EXPIRY_MARGIN_SECONDS, lifetime_seconds / 10)
    return _AccessToken(text, requested_at + lifetime_seconds - margin_seconds)


def _is_header_safe(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text
