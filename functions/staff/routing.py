"""The routes of the staff API: one table serves, authorises and documents them."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from functions.staff.models import Nothing
from functions.staff.replies import RefusalError, Reply
from shared.core.keys import is_document_id, is_restaurant_id
from shared.edge.services import Services
from shared.edge.staff.membership import Role
from shared.edge.staff.staffroom import Staffroom
from shared.edge.staff.tokens import Person

PREFIX = "/api/restaurants/{restaurantId}/"

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Visit(Generic[Q, B]):
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


@dataclass(frozen=True, slots=True)
class Route(Generic[Q, B]):
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


def find_route(routes: Iterable[Route[Any, Any]], method: str, path: str) -> Found:
    """Return the route of a method and path.

    Args:
        routes: The table.
        method: The HTTP method.
        path: The path, decoded.

    Raises:
        RefusalError: 404 for a path that is nobody's, 405 for a method that the path lacks.
    """
    there = [found for route in routes if (found := _found(route, path))]
    if not there:
        raise not_found(
            "There is nothing at this address; see /api/openapi.json for what there is."
        )
    for found in there:
        if found.route.method == method:
            return found
    allowed = sorted({found.route.method for found in there})
    text = f"Use {' or '.join(allowed)} at this address."
    raise RefusalError(405, "METHOD_NOT_ALLOWED", text, {"Allow": ", ".join(allowed)})


def _found(route: Route[Any, Any], path: str) -> Found | None:
    pattern = re.escape(PREFIX + route.path)
    pattern = pattern.replace(r"\{restaurantId\}", "(?P<restaurant>[^/]+)")
    match = re.fullmatch(pattern.replace(r"\{id\}", "(?P<id>[^/]+)"), path)
    if match is None:
        return None
    named = match.groupdict()
    if not is_restaurant_id(named["restaurant"]) or not is_document_id(named.get("id", "none")):
        return None
    return Found(route, named["restaurant"], named.get("id", ""))


def not_found(message: str) -> RefusalError:
    """Return the refusal of what there is not."""
    return RefusalError(404, "NOT_FOUND", message)
