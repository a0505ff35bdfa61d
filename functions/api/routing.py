"""A route of the staff API serves, authorises and documents one call; a visit is such a call."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from functions.api.models import EmptyRequest
from functions.api.replies import ApiError, ApiResponse
from shared.context import AppContext
from shared.staff.auth import ApiContext, AuthenticatedUser, Role

PREFIX = "/api/restaurants/{restaurantId}/"

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


class RequestContext(Struct, Generic[Q, B], frozen=True):
    """A call whose caller was let in.

    Attributes:
        api_context: The process's clients.
        restaurant_id: Whose.
        id: The id in the path, empty where the path has none.
        user: Who calls.
        role: What they may do.
        headers: Header name in lower case to value.
        query: The query's parameters.
        body: The body.
    """

    api_context: ApiContext
    restaurant_id: str
    id: str
    user: AuthenticatedUser
    role: Role
    headers: dict[str, str]
    query: Q
    body: B

    @property
    def app_context(self) -> AppContext:
        """What every function uses."""
        return self.api_context.app_context


class Route(Struct, Generic[Q, B], frozen=True):
    """One call of the API.

    Attributes:
        method: Its HTTP method.
        path: Its path beneath `PREFIX`; at most one ``{id}``.
        role: Who may call it.
        summary: What it does, in a few words.
        handler: Does it.
        answer: The model of its answer.
        query: The model of the query's parameters.
        body: The model of the body.
        header: The optional header that it heeds.
        file: The media type in which the answer can be had too, beside JSON.
    """

    method: str
    path: str
    role: Role
    summary: str
    handler: Callable[[RequestContext[Q, B]], Awaitable[ApiResponse]]
    answer: type[BaseModel]
    query: type[Q]
    body: type[B]
    header: str | None = None
    file: str | None = None

    @property
    def takes_body(self) -> bool:
        """Whether a body is read."""
        return self.body is not EmptyRequest


class RouteMatch(NamedTuple):
    """A route, and what its path names."""

    route: Route[Any, Any]
    restaurant_id: str
    id: str


def build_not_found_error(message: str) -> ApiError:
    """Return the refusal of what there is not."""
    return ApiError(404, "NOT_FOUND", message)
