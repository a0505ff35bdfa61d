"""A route of the staff API serves, authorises and documents one call; a visit is such a call."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from functions.staff.models import Nothing
from functions.staff.replies import RefusalError, Reply
from shared.edge.services import Services
from shared.edge.staff.membership import Role
from shared.edge.staff.staffroom import Staffroom
from shared.edge.staff.tokens import Person

PREFIX = "/api/restaurants/{restaurantId}/"

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


class Visit(Struct, Generic[Q, B], frozen=True):
    """A call whose caller was let in.

    Attributes:
        staffroom: The process's clients.
        restaurant_id: Whose.
        id: The id in the path, empty where the path has none.
        person: Who calls.
        role: What they may do.
        headers: Header name in lower case to value.
        query: The query's parameters.
        body: The body.
    """

    staffroom: Staffroom
    restaurant_id: str
    id: str
    person: Person
    role: Role
    headers: dict[str, str]
    query: Q
    body: B

    @property
    def services(self) -> Services:
        """What every function uses."""
        return self.staffroom.services


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
    handler: Callable[[Visit[Q, B]], Awaitable[Reply]]
    answer: type[BaseModel]
    query: type[Q]
    body: type[B]
    header: str | None = None
    file: str | None = None

    @property
    def takes_body(self) -> bool:
        """Whether a body is read."""
        return self.body is not Nothing


class Found(NamedTuple):
    """A route, and what its path names."""

    route: Route[Any, Any]
    restaurant_id: str
    id: str


def not_found(message: str) -> RefusalError:
    """Return the refusal of what there is not."""
    return RefusalError(404, "NOT_FOUND", message)
