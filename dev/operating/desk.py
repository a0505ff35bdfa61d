"""The staff API's calls, made as an operator by the API's own code, without HTTP in between."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from functions.staff.entrance import read_asked
from functions.staff.replies import RefusalError
from functions.staff.routing import PREFIX, Visit
from functions.staff.table import find_route
from shared.core.keys import is_restaurant_id
from shared.edge.services import Services
from shared.edge.staff.integration import read_integration
from shared.edge.staff.membership import Role
from shared.edge.staff.staffroom import Staffroom
from shared.edge.staff.tokens import Person


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator at work on one restaurant.

    Attributes:
        room: The process's clients.
        restaurant_id: Lineup's id.
        person: Who works; their id is journaled where the API journals it.
    """

    room: Staffroom
    restaurant_id: str
    person: Person

    @property
    def services(self) -> Services:
        """What every function uses."""
        return self.room.services

    async def get(self, path: str, **query: object) -> dict[str, Any]:
        """Make a GET call; see `call`."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make one call of the staff API.

        Args:
            method: The HTTP method.
            path: Beneath ``/api/restaurants/{restaurantId}/``.
            query: The query's parameters.
            body: The body.

        Returns:
            The answer's JSON object, as the API's document describes it.

        Raises:
            RefusalError: With what to do next.
            LedgerUnavailableError: When it cannot be done just now.
        """
        address = PREFIX.replace("{restaurantId}", self.restaurant_id) + path
        found = find_route(method, address)
        visit = Visit(
            staffroom=self.room,
            restaurant_id=self.restaurant_id,
            id=found.id,
            person=self.person,
            role=Role.OPERATOR,
            headers={},
            query=read_asked(found.route.query, query or {}),
            body=read_asked(found.route.body, body or {}),
        )
        told = (await found.route.handler(visit)).body
        if not isinstance(told, BaseModel):
            return {}
        return dict(json.loads(told.model_dump_json(by_alias=True)))


def open_desk(room: Staffroom, restaurant_id: str, user: str) -> Desk:
    """Return a desk.

    Args:
        room: The process's clients.
        restaurant_id: Lineup's id.
        user: Who works, by the name of this machine.

    Raises:
        RefusalError: When it can be no restaurant's id.
    """
    if not is_restaurant_id(restaurant_id):
        text = "A restaurant's id has 1 to 128 letters, digits, - or _."
        raise RefusalError(400, "INVALID_REQUEST", text)
    return Desk(room, restaurant_id, Person(f"operator:{user}", is_operator=True))


async def refuse_unknown(desk: Desk) -> None:
    """Refuse a restaurant that has no integration, before it is mistaken for one that is off.

    Raises:
        RefusalError: When it has none.
        LedgerUnavailableError: When that cannot be told now.
    """
    if await read_integration(desk.services.firestore, desk.restaurant_id) is None:
        text = f"{desk.restaurant_id} has no OpenTable integration: `onboard` connects it."
        raise RefusalError(404, "NOT_FOUND", text)
