"""OAuth tokens: one request for many callers, kept for as long as OpenTable says."""

import asyncio
from base64 import b64encode
from hashlib import sha256
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from shared.core.credentials import Credentials
from shared.core.structs import RedactedStruct
from shared.edge.opentable.address import build_url
from shared.edge.opentable.body import UnreadableBodyError
from shared.edge.opentable.clock import Clock, Deadline
from shared.edge.opentable.transport import OpenTableRequest, Transport
from shared.errors import InvalidSettingsError

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
