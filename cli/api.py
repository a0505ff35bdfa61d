"""Calls of the staff API in this process, as an operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
from msgspec import Struct, structs
from pydantic.alias_generators import to_camel
from typing_extensions import override

from cli.output import CommandError, RetryLaterError
from cli.target import LocalRun
from functions.api.app import build_app
from functions.api.auth import ApiContext
from shared.context import AppContext
from shared.domain.normalization.field_values import format_utc
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.staff.accounts import UserAccounts
from shared.staff.identity import AuthenticatedUser


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """The staff API of one project, without HTTP and without an ID token."""

    app_context: AppContext
    accounts: UserAccounts
    http: httpx.AsyncClient
    local_run: LocalRun | None

    def restaurant(self, restaurant_id: str) -> "OperatorClient":
        """Return a client for one restaurant."""
        return OperatorClient(
            self.app_context, self.accounts, self.http, self.local_run, restaurant_id
        )

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
class OperatorClient(OperatorSession):
    """Calls the staff API below ``/api/restaurants/{restaurant_id}/``."""

    restaurant_id: str

    @override
    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        # `super()` does not work in a class with slots on Python 3.11 to 3.13.
        return await OperatorSession.call(
            self, method, f"restaurants/{self.restaurant_id}/{path}", **options
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
    # The app answers in this process. httpx only needs some host in its URLs.
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api/api/")
    return OperatorSession(api_context.app_context, api_context.accounts, http, local_run)


def encode_struct(struct: Struct) -> dict[str, Any]:
    """Return a struct as the API writes JSON: names in camel case, times in UTC."""
    return {
        to_camel(name): format_utc(value) if isinstance(value, datetime) else value
        for name, value in structs.asdict(struct).items()
    }
