"""Authenticate callers of the staff API, limit their requests, and check their roles.

`AuthenticationMiddleware` runs before a request is routed, its body is read or anything is
validated: an unauthenticated request costs the same whatever it asks for, and learns nothing.
FastAPI runs `authorize` before it validates the query and the body, so a caller without a role
learns nothing about either. The result is the context of the call: the clients of the API, the
user, and the restaurant.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Annotated

from cachetools import LRUCache
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.api.requests import RestaurantId
from functions.api.responses import ApiError, build_failure_response, build_invalid_request_error
from functions.http import read_request_body
from shared.context import AppContext
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore.raw_client import FirestoreClient
from shared.log import LogEvent, Severity, log_event
from shared.staff.accounts import UserAccounts
from shared.staff.identity import (
    AuthenticatedUser,
    IdTokenVerifier,
    Role,
    StaffRoles,
    UnauthenticatedError,
)

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

# Firebase's ID tokens have about 1,000 characters. The limit bounds the cost of an invented one.
_MAX_TOKEN_LENGTH = 8_192
_MAX_LIMITED_USERS = 10_000
# A page that opens makes several calls at once.
_BURST_SECONDS = 5


class ApiContext(Struct, frozen=True):
    """The clients of the staff API."""

    app_context: AppContext
    token_verifier: IdTokenVerifier
    staff_roles: StaffRoles
    accounts: UserAccounts


def build_api_context(app_context: AppContext) -> ApiContext:
    """Build the clients of the staff API.

    Raises:
        InvalidSettingsError: No Google Cloud project is set.
    """
    project = app_context.environment.require_project()
    accounts = UserAccounts(project, time.monotonic)
    return ApiContext(
        app_context,
        IdTokenVerifier(project, accounts),
        StaffRoles(app_context.firestore, time.monotonic),
        accounts,
    )


class UserContext(Struct, frozen=True):
    """A request of a user that concerns no single restaurant."""

    api_context: ApiContext
    user: AuthenticatedUser

    @property
    def app_context(self) -> AppContext:
        """The clients and settings common to all functions."""
        return self.api_context.app_context

    @property
    def firestore(self) -> FirestoreClient:
        """The client of Firestore."""
        return self.app_context.firestore


class RequestContext(UserContext, frozen=True):
    """A request of a user with a role in the restaurant."""

    restaurant_id: str
    role: Role

    async def read_names(self, uids: Iterable[object]) -> dict[str, str]:
        """Return what to call the users among stored values; unknown ones are missing.

        Without Firebase there are no names, because a history is useful without them.
        """
        try:
            return await self.api_context.accounts.read_names(
                uid for uid in uids if isinstance(uid, str)
            )
        except (InvalidSettingsError, ServiceUnavailableError) as error:
            log_event(
                Severity.WARNING,
                LogEvent.STAFF_CALL,
                outcome="no_names",
                error=type(error).__name__,
            )
            return {}


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
        # `lifespan` has no path, and no token.
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
            # Outside of `try`: an error of the app is not an error of the authentication.
            scope.setdefault("state", {})["user"] = user
            await self._app(scope, receive, send)

    async def _authenticate(self, headers: Headers) -> AuthenticatedUser:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and 0 < len(token) <= _MAX_TOKEN_LENGTH:
            with suppress(UnauthenticatedError):
                return await self._verifier.verify(token)
        # One response for every reason: a caller must not learn how close a token was.
        raise ApiError(
            401,
            "UNAUTHENTICATED",
            "Sign in again, and send the Firebase ID token as bearer token.",
            {"WWW-Authenticate": "Bearer"},
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
        # At least one: with a rate below 0.2, nobody could make a request otherwise.
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


def get_user(
    request: Request,
    # Only for the OpenAPI document: `AuthenticationMiddleware` verified the token.
    _credentials: Annotated[
        HTTPAuthorizationCredentials | None,
        Security(HTTPBearer(scheme_name="firebase", bearerFormat="JWT", auto_error=False)),
    ],
) -> AuthenticatedUser:
    """Return the user who makes the request."""
    user: AuthenticatedUser = request.app.state.user or request.state.user
    return user


async def authorize(
    request: Request,
    security_scopes: SecurityScopes,
    restaurant_id: RestaurantId,
    user: Annotated[AuthenticatedUser, Depends(get_user)],
) -> RequestContext:
    """Check the caller's role in the restaurant against the role in `security_scopes`."""
    api_context: ApiContext = request.app.state.api_context
    role = await api_context.staff_roles.get_role(restaurant_id, user)
    if role is None:
        text = "You are not on this restaurant's staff. Ask its manager to add you."
        raise ApiError(403, "FORBIDDEN", text)
    # The scope of HostContext or ManagerContext; the OpenAPI document shows it with the call.
    [required_role] = security_scopes.scopes
    if role < Role[required_role.upper()]:
        text = f"This call requires the role {required_role}. Ask your manager or an operator."
        raise ApiError(403, "ROLE_REQUIRED", text)
    _check_parameters(request)
    await _check_unexpected_body(request)
    return RequestContext(api_context, user, restaurant_id, role)


async def get_user_context(
    request: Request, user: Annotated[AuthenticatedUser, Depends(get_user)]
) -> UserContext:
    """Return the context of a call for any signed-in user."""
    _check_parameters(request)
    return UserContext(request.app.state.api_context, user)


def _check_parameters(request: Request) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    if len(names) != len(set(names)):
        raise build_invalid_request_error("Give each parameter only once.")
    # Query models reject unknown parameters; a call without a model has no parameters.
    route: APIRoute = request.scope["route"]
    if names and not route.dependant.query_params:
        raise build_invalid_request_error("This call has no parameters.")


async def _check_unexpected_body(request: Request) -> None:
    route: APIRoute = request.scope["route"]
    if request.method == "GET" or route.body_field is not None:
        return
    body = await read_request_body(request)
    # It would be ignored: a replay with `dryRun` in its body would be a real one.
    if body is None or body.strip() not in {b"", b"{}"}:
        text = "This call has no body. Send its parameters in the address."
        raise build_invalid_request_error(text)


AnyUserContext = Annotated[UserContext, Depends(get_user_context)]
HostContext = Annotated[RequestContext, Security(authorize, scopes=["host"])]
ManagerContext = Annotated[RequestContext, Security(authorize, scopes=["manager"])]
