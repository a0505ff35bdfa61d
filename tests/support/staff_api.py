"""Call the staff API in process as any user, with one restaurant's secret in a SECRETS_FILE."""

import base64
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from msgspec import Struct
from msgspec.structs import replace

from functions.api.app import build_app
from functions.api.auth import ApiContext
from functions.api.requests import API_PREFIX


def api_transport(context: ApiContext) -> httpx.ASGITransport:
    """Return the API as a transport; an error in it fails the test."""
    return httpx.ASGITransport(build_app(context))


class Operation(NamedTuple):
    """A call of the API, as its OpenAPI document describes it.

    `template` is the path below the restaurant, with the names of its parameters; a call of another
    address has the whole path. `role` is ``user`` if any user may make the call.
    """

    method: str
    template: str
    role: str
    document: dict[str, Any]

    @property
    def path(self) -> str:
        """The path with a value for each parameter."""
        return re.sub(r"\{\w+\}", "x", self.template)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


# The document needs no context, because no call is made.
OPENAPI_DOCUMENT: dict[str, Any] = build_app(None).openapi()  # type: ignore[arg-type]
OPERATIONS = [
    Operation(
        method.upper(),
        path.removeprefix(f"{API_PREFIX}/"),
        next(iter(document["security"][0]["firebase"]), "user"),
        document,
    )
    for path, operations in OPENAPI_DOCUMENT["paths"].items()
    for method, document in operations.items()
]


def token_claims(project: str, uid: str, **more: object) -> dict[str, object]:
    """Return the claims of an ID token; `more` overrides them."""
    now = int(time.time())
    return {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        **more,
    }


def unsigned_id_token(project: str, uid: str, **more: object) -> str:
    """Return an unsigned ID token in the Auth emulator's format."""
    parts = ({"alg": "none", "typ": "JWT"}, token_claims(project, uid, **more))
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.decode().rstrip("=") for part in encoded) + "."


class StaffApiClient(Struct, frozen=True):
    """A caller of the API for one restaurant; without a token if `token` is None."""

    transport: httpx.ASGITransport
    restaurant_id: str
    token: str | None

    def with_token(self, token: str | None) -> "StaffApiClient":
        return replace(self, token=token)

    def sign_in(self, uid: str, **claims: object) -> "StaffApiClient":
        """Return a client of a user, with an unsigned token of the Auth emulator."""
        project = self.api_context.app_context.firestore.project
        return self.with_token(unsigned_id_token(project, uid, **claims))

    def at_restaurant(self, restaurant_id: str) -> "StaffApiClient":
        return replace(self, restaurant_id=restaurant_id)

    @property
    def api_context(self) -> ApiContext:
        """The context for which the API was built."""
        app: Any = self.transport.app
        context: ApiContext = app.state.api_context
        return context

    def with_api_context(self, **changes: Any) -> "StaffApiClient":
        """Return a client of another API, whose context has these changes."""
        return replace(self, transport=api_transport(replace(self.api_context, **changes)))

    def with_app_context(self, **changes: Any) -> "StaffApiClient":
        return self.with_api_context(app_context=replace(self.api_context.app_context, **changes))

    def with_environment(self, **settings: Any) -> "StaffApiClient":
        environment = replace(self.api_context.app_context.environment, **settings)
        return self.with_app_context(environment=environment)

    async def get(self, path: str, **sent: Any) -> httpx.Response:
        return await self.call("GET", path, **sent)

    async def post(self, path: str, body: object = None, **sent: Any) -> httpx.Response:
        return await self.call("POST", path, json={} if body is None else body, **sent)

    async def delete(self, path: str) -> httpx.Response:
        return await self.call("DELETE", path)

    async def put(self, path: str, body: object, **sent: Any) -> httpx.Response:
        return await self.call("PUT", path, json=body, **sent)

    async def call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Call a path below the restaurant's, or the whole path if it begins with a slash."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= sent.pop("headers", {})
        async with httpx.AsyncClient(transport=self.transport, base_url="http://staff") as client:
            below = f"/api/restaurants/{self.restaurant_id}/{path}"
            url = path if path.startswith("/") else below
            return await client.request(method, url, headers=headers, **sent)


def error_code(response: httpx.Response) -> tuple[int, str]:
    """Return the status and code of an error response, and check its shape."""
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


NEW_WEBHOOK_SECRET = "whsec_bmV3LXNlY3JldA=="
OLD_WEBHOOK_SECRET = "whsec_b2xkLXNlY3JldA=="


@dataclass(frozen=True, slots=True)
class RestaurantSecretFile:
    """The secrets file and the id of its secret."""

    path: Path
    secret_id: str

    def write(self, payload: dict[str, Any]) -> None:
        """Replace the file by one with this payload."""
        self.path.write_text(json.dumps({self.secret_id: payload}))

    def empty(self) -> None:
        self.path.write_text("{}")

    def read(self) -> dict[str, Any]:
        """Return the secret's payload; empty without the secret."""
        payload: dict[str, Any] = json.loads(self.path.read_text()).get(self.secret_id, {})
        return payload
