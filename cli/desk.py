"""The staff API's calls, made as an operator by the API's own code, without HTTP in between."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from functions.api.entrance import validate_request
from functions.api.replies import ApiError
from functions.api.routing import PREFIX, RequestContext
from functions.api.table import find_route
from shared.context import AppContext
from shared.domain.normalization.identifiers import is_restaurant_id
from shared.restaurants.settings import read_integration_document
from shared.staff.auth import ApiContext, AuthenticatedUser, Role


@dataclass(frozen=True, slots=True)
class OperatorClient:
    """An operator at work on one restaurant.

    Attributes:
        api_context: The process's clients.
        restaurant_id: Lineup's id.
        person: Who works; their id is journaled where the API journals it.
    """

    api_context: ApiContext
    restaurant_id: str
    person: AuthenticatedUser

    @property
    def app_context(self) -> AppContext:
        """What every function uses."""
        return self.api_context.app_context

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
        full_path = PREFIX.replace("{restaurantId}", self.restaurant_id) + path
        route_match = find_route(method, full_path)
        request_context = RequestContext(
            api_context=self.api_context,
            restaurant_id=self.restaurant_id,
            id=route_match.id,
            user=self.person,
            role=Role.OPERATOR,
            headers={},
            query=validate_request(route_match.route.query, query or {}),
            body=validate_request(route_match.route.body, body or {}),
        )
        response_body = (await route_match.route.handler(request_context)).body
        if not isinstance(response_body, BaseModel):
            return {}
        return dict(json.loads(response_body.model_dump_json(by_alias=True)))


def open_operator_client(api_context: ApiContext, restaurant_id: str, user: str) -> OperatorClient:
    """Return a desk.

    Args:
        api_context: The process's clients.
        restaurant_id: Lineup's id.
        user: Who works, by the name of this machine.

    Raises:
        RefusalError: When it can be no restaurant's id.
    """
    if not is_restaurant_id(restaurant_id):
        text = "A restaurant's id has 1 to 128 letters, digits, - or _."
        raise ApiError(400, "INVALID_REQUEST", text)
    return OperatorClient(
        api_context, restaurant_id, AuthenticatedUser(f"operator:{user}", is_operator=True)
    )


async def require_integration(api: OperatorClient) -> None:
    """Refuse a restaurant that has no integration, before it is mistaken for one that is off.

    Raises:
        RefusalError: When it has none.
        LedgerUnavailableError: When that cannot be told now.
    """
    if await read_integration_document(api.app_context.firestore, api.restaurant_id) is None:
        text = f"{api.restaurant_id} has no OpenTable integration: `onboard` connects it."
        raise ApiError(404, "NOT_FOUND", text)
