"""Bearer tokens for the Sync API: an API key, or an OAuth token that is requested and cached."""

import asyncio
from base64 import b64encode
from hashlib import sha256
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from shared.concurrency import Clock, Deadline
from shared.config import build_url
from shared.domain.validation import RedactedStruct
from shared.domain.webhook_auth import Credentials
from shared.errors import InvalidSettingsError
from shared.opentable.transport import Transport, UnreadableBodyError

_MAX_CACHED_TOKENS = 1_024
_MAX_EXPIRY_MARGIN_SECONDS = 60.0
_MAX_LIFETIME_SECONDS = 366 * 86_400


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
