"""Check the role of the caller of the staff API in the restaurant.

FastAPI runs `authorize` before it validates the query and the body, so a caller without a role
learns nothing about either.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from msgspec import Struct

from functions.api.requests import RestaurantId
from functions.api.responses import (
    ApiError,
    build_invalid_request_error,
)
from shared.context import AppContext
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, log_event
from shared.staff.identity import ApiContext, AuthenticatedUser, Role

if TYPE_CHECKING:
    from fastapi.routing import APIRoute


class RequestContext(Struct, frozen=True):
    """An authorized request."""

    api_context: ApiContext
    restaurant_id: str
    user: AuthenticatedUser
    role: Role

    @property
    def app_context(self) -> AppContext:
        """The clients and settings common to all functions."""
        return self.api_context.app_context

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


def authenticated_user(
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
    user: Annotated[AuthenticatedUser, Depends(authenticated_user)],
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
    return RequestContext(api_context, restaurant_id, user, role)


def _check_parameters(request: Request) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    if len(names) != len(set(names)):
        raise build_invalid_request_error("Give each parameter only once.")
    # Query models reject unknown parameters; a call without a model has no parameters.
    route: APIRoute = request.scope["route"]
    if names and not route.dependant.query_params:
        raise build_invalid_request_error("This call has no parameters.")


class UserContext(Struct, frozen=True):
    """A request of a user that concerns no single restaurant."""

    api_context: ApiContext
    user: AuthenticatedUser

    @property
    def app_context(self) -> AppContext:
        """The clients and settings common to all functions."""
        return self.api_context.app_context


async def _get_user_context(
    request: Request, user: Annotated[AuthenticatedUser, Depends(authenticated_user)]
) -> UserContext:
    _check_parameters(request)
    return UserContext(request.app.state.api_context, user)


AnyUserContext = Annotated[UserContext, Depends(_get_user_context)]
HostContext = Annotated[RequestContext, Security(authorize, scopes=["host"])]
ManagerContext = Annotated[RequestContext, Security(authorize, scopes=["manager"])]
