"""OAuth tokens: one request for many callers, kept for as long as OpenTable says."""

import asyncio
from base64 import b64encode
from hashlib import sha256
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from shared.core.credentials import Credentials
from shared.core.structs import Unshown
from shared.edge.opentable.address import address
from shared.edge.opentable.body import UnreadableBodyError
from shared.edge.opentable.clock import Clock, Deadline
from shared.edge.opentable.transport import Call, Transport
from shared.errors import InvalidSettingsError

_MOST_TOKENS = 1_024
_LONGEST_MARGIN = 60.0


class _Token(Unshown, frozen=True):
    text: str
    expires_at: float

    @classmethod
    def read(cls, reply: dict[str, object], asked_at: float) -> "_Token":
        text, life = reply.get("access_token"), reply.get("expires_in")
        if not isinstance(text, str) or not _fits_a_header(text):
            raise UnreadableBodyError("holds no access_token")
        if isinstance(life, bool) or not isinstance(life, int | float):
            raise UnreadableBodyError("does not say when its token expires")
        return cls(text, asked_at + life - min(_LONGEST_MARGIN, life / 10))


class Tokens:
    """The bearer tokens of every credential in use.

    Args:
        oauth_url: The base URL of OpenTable's OAuth service.
        transport: Carries the requests.
        clock: Measures the tokens' lives.
    """

    def __init__(self, oauth_url: str, transport: Transport, clock: Clock) -> None:
        query = {"grant_type": "client_credentials"}
        self._url = address(oauth_url, "api", "v2", "oauth", "token", query=query)
        self._transport = transport
        self._clock = clock
        self._kept: TLRUCache[bytes, _Token] = TLRUCache(
            _MOST_TOKENS, ttu=lambda _, token, __: token.expires_at, timer=clock.monotonic
        )
        # A lock lives while somebody holds or awaits it, so these need no bound of their own.
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def bearer(self, credentials: Credentials, deadline: Deadline) -> str:
        """Return the text to send as bearer token: the API key as it is, or an OAuth token.

        Raises:
            InvalidSettingsError: When the credentials hold neither, or an API key that no
                header can carry.
            PassingFailureError: When OpenTable may give a token next time.
            OpenTableRefusedError: When it does not accept the client id and secret.
        """
        basic = _basic(credentials)
        if basic is None:
            return _api_key(credentials)
        key = sha256(basic).digest()
        async with self._locks.setdefault(key, asyncio.Lock()):
            token = self._kept.get(key) or await self._fetch(basic, deadline)
            self._kept[key] = token
        return token.text

    def forget(self, credentials: Credentials, refused: str) -> bool:
        """Drop a token that OpenTable refused; return whether another can be had.

        Args:
            credentials: Whose token it is.
            refused: Its text. A newer one, fetched meanwhile by another caller, is kept.
        """
        basic = _basic(credentials)
        if basic is None:
            return False
        key = sha256(basic).digest()
        kept = self._kept.get(key)
        if kept and kept.text == refused:
            del self._kept[key]
        return True

    async def _fetch(self, basic: bytes, deadline: Deadline) -> _Token:
        asked_at = self._clock.monotonic()
        authorization = f"Basic {b64encode(basic).decode()}"
        call = Call("POST", self._url, authorization, lambda reply: _Token.read(reply, asked_at))
        return await self._transport.perform(call, deadline)


def _basic(credentials: Credentials) -> bytes | None:
    if not (credentials.client_id and credentials.client_secret):
        return None
    return f"{credentials.client_id}:{credentials.client_secret}".encode()


def _api_key(credentials: Credentials) -> str:
    if not credentials.api_key:
        raise InvalidSettingsError(
            "No credential for OpenTable's API: store clientId and clientSecret, or apiKey."
        )
    if not _fits_a_header(credentials.api_key):
        raise InvalidSettingsError("The apiKey has characters no header can carry; store it anew.")
    return credentials.api_key


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text
