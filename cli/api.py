"""Calls of the staff API in this process, as an operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from cli.local_run import LocalRun
from cli.output import CommandError, RetryLaterError
from functions.api.app import build_app
from shared.context import AppContext
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.staff.accounts import UserAccounts
from shared.staff.identity import ApiContext, AuthenticatedUser


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """The staff API of one project, without HTTP and without an ID token."""

    app_context: AppContext
    accounts: UserAccounts
    http: httpx.AsyncClient
    local_run: LocalRun | None

    def restaurant(self, restaurant_id: str) -> "OperatorClient":
        """Return a client for one restaurant."""
        return OperatorClient(self, restaurant_id)

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Make a GET call; see `call`."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON of one call; `path` is below ``/api/``.

        Raises `CommandError` with the code and the message of an API error.
        """
        response = await self.http.request(method, path, params=query, json=body)
        if response.is_success:
            return dict(response.json()) if response.content else {}
        error: dict[str, str] = response.json()["error"]
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            raise RetryLaterError(f"{error['message']} --verbose shows the cause.", error["code"])
        raise CommandError(error["message"], error["code"])


@dataclass(frozen=True, slots=True)
class OperatorClient:
    """Calls the staff API for one restaurant."""

    session: OperatorSession
    restaurant_id: str

    @property
    def app_context(self) -> AppContext:
        """The clients and settings of this process."""
        return self.session.app_context

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Make a GET call; see `call`."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make a call below ``/api/restaurants/{restaurant_id}/``; see `OperatorSession.call`."""
        return await self.session.call(
            method, f"restaurants/{self.restaurant_id}/{path}", query=query, body=body
        )


def open_operator_session(
    api_context: ApiContext, user_name: str, local_run: LocalRun | None = None
) -> OperatorSession:
    """Connect to the staff API as an operator."""
    user = AuthenticatedUser(f"operator:{user_name}", is_operator=True)
    app = build_app(api_context, user)
    # Let these reach the operator with their text; a 503 response would not contain it.
    for error in (InvalidSettingsError, ServiceUnavailableError):
        del app.exception_handlers[error]
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api/api/")
    return OperatorSession(api_context.app_context, api_context.accounts, http, local_run)


def build_operator_client(
    api_context: ApiContext, restaurant_id: str, user_name: str
) -> OperatorClient:
    """Connect to the staff API as an operator, for one restaurant."""
    return open_operator_session(api_context, user_name).restaurant(restaurant_id)
