"""Authorised reads: a token, the call, a fresh token where the first was refused, retries."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from shared.edge.opentable.access import OpenTableAccess
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.retrying import call_with_retries
from shared.edge.opentable.token import AccessTokenCache
from shared.edge.opentable.transport import OpenTableRequest, Transport
from shared.errors import OpenTableRequestRejectedError

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
