"""OAuth tokens: one request for many callers, kept for as long as OpenTable says.

Authorised reads: a token, the call, a fresh token where the first was refused, retries.
"""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus
from typing import TypeVar
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from shared.concurrency import Clock, Deadline
from shared.config import build_url
from shared.domain.webhook_auth.credentials import Credentials, RedactedStruct
from shared.errors import InvalidSettingsError, OpenTableRequestRejectedError
from shared.opentable.query import OpenTableAccess
from shared.opentable.retry import call_with_retries
from shared.opentable.transport import OpenTableRequest, Transport, UnreadableBodyError

_MAX_CACHED_TOKENS = 1_024
_MAX_EXPIRY_MARGIN_SECONDS = 60.0


class _AccessToken(RedactedStruct, frozen=True):
    text: str
    expires_at: float

    @classmethod
    def from_response(cls, response: dict[str, object], requested_at: float) -> "_AccessToken":
        text, lifetime_seconds = response.get("access_token"), response.get("expires_in")
        if not isinstance(text, str) or not _is_header_safe(text):
            raise UnreadableBodyError("holds no access_token")
        if isinstance(lifetime_seconds, bool) or not isinstance(lifetime_seconds, int | float):
            raise UnreadableBodyError("does not say when its token expires")
        return cls(
            text,
            requested_at
            + lifetime_seconds
            - min(_MAX_EXPIRY_MARGIN_SECONDS, lifetime_seconds / 10),
        )


class AccessTokenCache:
    """The bearer tokens of every credential in use.

    Args:
        oauth_url: The base URL of OpenTable's OAuth service.
        transport: Carries the requests.
        clock: Measures the tokens' lives.
    """

    def __init__(self, oauth_url: str, transport: Transport, clock: Clock) -> None:
        query = {"grant_type": "client_credentials"}
        self._url = build_url(oauth_url, "api", "v2", "oauth", "token", query=query)
        self._transport = transport
        self._clock = clock
        self._tokens: TLRUCache[bytes, _AccessToken] = TLRUCache(
            _MAX_CACHED_TOKENS, ttu=lambda _, token, __: token.expires_at, timer=clock.monotonic
        )
        # A lock lives while somebody holds or awaits it, so these need no bound of their own.
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def get_bearer_token(self, credentials: Credentials, deadline: Deadline) -> str:
        """Return the text to send as bearer token: the API key as it is, or an OAuth token.

        Raises:
            InvalidSettingsError: When the credentials hold neither, or an API key that no
                header can carry.
            PassingFailureError: When OpenTable may give a token next time.
            OpenTableRefusedError: When it does not accept the client id and secret.
        """
        basic_credentials = _encode_basic_credentials(credentials)
        if basic_credentials is None:
            return _require_api_key(credentials)
        key = sha256(basic_credentials).digest()
        async with self._locks.setdefault(key, asyncio.Lock()):
            token = self._tokens.get(key) or await self._fetch_token(basic_credentials, deadline)
            self._tokens[key] = token
        return token.text

    def invalidate(self, credentials: Credentials, rejected_token: str) -> bool:
        """Drop a token that OpenTable refused; return whether another can be had.

        Args:
            credentials: Whose token it is.
            rejected_token: Its text. A newer one, fetched meanwhile by another caller, is kept.
        """
        basic_credentials = _encode_basic_credentials(credentials)
        if basic_credentials is None:
            return False
        key = sha256(basic_credentials).digest()
        cached_token = self._tokens.get(key)
        if cached_token and cached_token.text == rejected_token:
            del self._tokens[key]
        return True

    async def _fetch_token(self, basic_credentials: bytes, deadline: Deadline) -> _AccessToken:
        requested_at = self._clock.monotonic()
        authorization = f"Basic {b64encode(basic_credentials).decode()}"
        request = OpenTableRequest(
            "POST",
            self._url,
            authorization,
            lambda response: _AccessToken.from_response(response, requested_at),
        )
        return await self._transport.send(request, deadline)


def _encode_basic_credentials(credentials: Credentials) -> bytes | None:
    if not (credentials.client_id and credentials.client_secret):
        return None
    return f"{credentials.client_id}:{credentials.client_secret}".encode()


def _require_api_key(credentials: Credentials) -> str:
    if not credentials.api_key:
        raise InvalidSettingsError(
            "No credential for OpenTable's API: store clientId and clientSecret, or apiKey."
        )
    if not _is_header_safe(credentials.api_key):
        raise InvalidSettingsError("The apiKey has characters no header can carry; store it anew.")
    return credentials.api_key


def _is_header_safe(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


T = TypeVar("T")

# An id that OpenTable could not have issued, such as a relay's own, may be a bad request to it.
_NOT_FOUND_STATUSES = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST})


class AuthorizedClient:
    """Reads addresses of the API.

    Args:
        transport: Carries the calls.
        tokens: Knows every credential's token.
    """

    def __init__(self, transport: Transport, tokens: AccessTokenCache) -> None:
        self._transport = transport
        self._tokens = tokens

    async def get(
        self,
        access: OpenTableAccess,
        url: str,
        parse: Callable[[dict[str, object]], T],
        deadline: Deadline,
    ) -> T:
        """Return what is at an address.

        Args:
            access: The restaurant and its credentials.
            url: The address.
            parse: Reads the answer's object, or raises `UnreadableBodyError`.
            deadline: Bounds everything, token and retries included.

        Raises:
            OpenTableUnavailableError: When no usable answer came in time.
            OpenTableRefusedError: When OpenTable refused the request.
            InvalidSettingsError: When the credentials cannot be used.
        """
        send = self._build_get_request(url, parse, deadline)
        return await call_with_retries(
            lambda: self._send_authorized(access, send, deadline), deadline
        )

    async def get_or_none(
        self,
        access: OpenTableAccess,
        url: str,
        parse: Callable[[dict[str, object]], T],
        deadline: Deadline,
    ) -> T | None:
        """Return what is at an address, or None where nothing can be there; else as `parse`."""
        send = self._build_get_request(url, parse, deadline)

        async def send_or_none(token: str) -> T | None:
            # Caught here and not around the retries: a 404 of the token's address is a refusal.
            try:
                return await send(token)
            except OpenTableRequestRejectedError as error:
                if error.status in _NOT_FOUND_STATUSES:
                    return None
                raise

        return await call_with_retries(
            lambda: self._send_authorized(access, send_or_none, deadline), deadline
        )

    def _build_get_request(
        self, url: str, parse: Callable[[dict[str, object]], T], deadline: Deadline
    ) -> Callable[[str], Awaitable[T]]:
        def send(token: str) -> Awaitable[T]:
            request = OpenTableRequest("GET", url, f"Bearer {token}", parse)
            return self._transport.send(request, deadline)

        return send

    async def _send_authorized(
        self, access: OpenTableAccess, send: Callable[[str], Awaitable[T]], deadline: Deadline
    ) -> T:
        token = await self._tokens.get_bearer_token(access.credentials, deadline)
        try:
            return await send(token)
        except OpenTableRequestRejectedError as error:
            is_unauthorized = error.status == HTTPStatus.UNAUTHORIZED
            if not (is_unauthorized and self._tokens.invalidate(access.credentials, token)):
                raise
        return await send(await self._tokens.get_bearer_token(access.credentials, deadline))
