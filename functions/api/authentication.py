"""Authenticate a request before it is routed, its body is read or anything is validated.

An unauthenticated request therefore costs the same whatever it asks for, and learns nothing.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from math import ceil

from cachetools import LRUCache
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.api.responses import ApiError, build_unavailable_response
from functions.http import log_request_failure
from shared.log import LogEvent, Severity, log_event
from shared.staff.identity import ApiContext, AuthenticatedUser, UnauthenticatedError

_MAX_TOKEN_LENGTH = 8_192
_MAX_LIMITED_USERS = 10_000
# A page that opens makes several calls at once.
_BURST_SECONDS = 5


class AuthenticationMiddleware:
    """Verifies the ID token of each request and limits the requests of each user.

    The user is in the request's state. Requests to `public_path` need no token.
    """

    def __init__(self, app: ASGIApp, api_context: ApiContext, public_path: str) -> None:
        self._app = app
        self._verifier = api_context.token_verifier
        self._limiter = RequestLimiter(
            api_context.app_context.environment.api_requests_per_second, time.monotonic
        )
        self._public_path = public_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an authenticated request on, or respond with 401, 429 or 503."""
        if scope["type"] != "http" or scope["path"] == self._public_path:
            await self._app(scope, receive, send)
            return
        try:
            user = await self._authenticate(Headers(scope=scope))
            self._limiter.check(user)
        except ApiError as error:
            await error.to_response()(scope, receive, send)
        except Exception as error:  # noqa: BLE001 -- the framework would answer a bug here with 500
            await build_failure_response(error)(scope, receive, send)
        else:
            scope.setdefault("state", {})["user"] = user
            await self._app(scope, receive, send)

    async def _authenticate(self, headers: Headers) -> AuthenticatedUser:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and 0 < len(token) <= _MAX_TOKEN_LENGTH:
            with suppress(UnauthenticatedError):
                return await self._verifier.verify(token)
        raise ApiError(
            401,
            "UNAUTHENTICATED",
            "Sign in again, and send the Firebase ID token as bearer token.",
            {"WWW-Authenticate": "Bearer"},
        )


def build_failure_response(error: Exception) -> Response:
    """Log why a request cannot be answered now, and return the 503 response."""
    log_request_failure(error, _log_unavailable)
    return build_unavailable_response()


def _log_unavailable(error: Exception) -> None:
    log_event(
        Severity.WARNING, LogEvent.STAFF_CALL, outcome="unavailable", error=type(error).__name__
    )


class _Allowance(Struct):
    """The requests that a user may still make, as of a time of the limiter's timer."""

    requests: float
    updated_at: float


class RequestLimiter:
    """A token bucket for each user, in bounded memory of this instance.

    `timer` is a monotonic clock in seconds.
    """

    def __init__(self, requests_per_second: float, timer: Callable[[], float]) -> None:
        self._rate = requests_per_second
        self._burst = max(1.0, requests_per_second * _BURST_SECONDS)
        self._timer = timer
        # A user that was dropped for others starts again with a full allowance.
        self._allowances: LRUCache[str, _Allowance] = LRUCache(_MAX_LIMITED_USERS)

    def check(self, user: AuthenticatedUser) -> None:
        """Count a request; raise a 429 error if the user has made too many."""
        now = self._timer()
        allowance = self._allowances.get(user.uid)
        if allowance is None:
            allowance = self._allowances[user.uid] = _Allowance(self._burst, now)
        elapsed_seconds = now - allowance.updated_at
        allowance.requests = min(self._burst, allowance.requests + elapsed_seconds * self._rate)
        allowance.updated_at = now
        if allowance.requests < 1:
            wait_seconds = ceil((1 - allowance.requests) / self._rate)
            raise ApiError(
                429,
                "TOO_MANY_REQUESTS",
                "Too many requests. Wait for the seconds in Retry-After, then try again.",
                {"Retry-After": str(wait_seconds)},
            )
        allowance.requests -= 1
