"""Authorised reads: a token, the call, a fresh token where the first was refused, retries."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from shared.edge.opentable.access import Access
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.retrying import persist
from shared.edge.opentable.token import Tokens
from shared.edge.opentable.transport import Call, Transport
from shared.errors import OpenTableRefusedError

T = TypeVar("T")

# An id that OpenTable could not have issued, such as a relay's own, may be a bad request to it.
_NOTHING_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST})


class Reader:
    """Reads addresses of the API.

    Args:
        transport: Carries the calls.
        tokens: Knows every credential's token.
    """

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens

    async def read(
        self, access: Access, url: str, read: Callable[[dict[str, object]], T], deadline: Deadline
    ) -> T:
        """Return what is at an address.

        Args:
            access: The restaurant and its credentials.
            url: The address.
            read: Reads the answer's object, or raises `UnreadableBodyError`.
            deadline: Bounds everything, token and retries included.

        Raises:
            OpenTableUnavailableError: When no usable answer came in time.
            OpenTableRefusedError: When OpenTable refused the request.
            InvalidSettingsError: When the credentials cannot be used.
        """
        get = self._getter(url, read, deadline)
        return await persist(lambda: self._authorised(access, get, deadline), deadline)

    async def read_if_there(
        self, access: Access, url: str, read: Callable[[dict[str, object]], T], deadline: Deadline
    ) -> T | None:
        """Return what is at an address, or None where nothing can be there; else as `read`."""
        get = self._getter(url, read, deadline)

        async def get_if_there(token: str) -> T | None:
            # Caught here and not around the retries: a 404 of the token's address is a refusal.
            try:
                return await get(token)
            except OpenTableRefusedError as refusal:
                if refusal.status in _NOTHING_THERE:
                    return None
                raise

        return await persist(lambda: self._authorised(access, get_if_there, deadline), deadline)

    def _getter(
        self, url: str, read: Callable[[dict[str, object]], T], deadline: Deadline
    ) -> Callable[[str], Awaitable[T]]:
        def get(token: str) -> Awaitable[T]:
            call = Call("GET", url, f"Bearer {token}", read)
            return self._transport.perform(call, deadline)

        return get

    async def _authorised(
        self, access: Access, get: Callable[[str], Awaitable[T]], deadline: Deadline
    ) -> T:
        token = await self._tokens.bearer(access.credentials, deadline)
        try:
            return await get(token)
        except OpenTableRefusedError as refusal:
            unauthorised = refusal.status == HTTPStatus.UNAUTHORIZED
            if not (unauthorised and self._tokens.forget(access.credentials, token)):
                raise
        return await get(await self._tokens.bearer(access.credentials, deadline))
