"""The deployed functions, called in the test's own process, and what they must not write."""

import asyncio
import json
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from functions.webhook import opentable_webhook
from shared.edge import services as process
from shared.edge.services import AppContext
from tests.world import World

FORBIDDEN_TEXTS = ("marked", "5559876", "zoë", "zo\\u00eb", "whsec_", "v1,", "bearer ", "basic ")
# As any mapping: keyword arguments of many names are of no one type.
TOKEN_HEADERS: Any = {"authorization": "Bearer marked-token"}
SIGNATURE_HEADERS: Any = {"webhook-id": "marked", "webhook-signature": "v1,marked"}
MARKED_MEDIA_TYPE: Any = {"content-type": "text/marked"}


class FunctionCaller:
    """Calls the deployed functions in this process, which has services of its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def call(
        self, function: object, body: object, services: AppContext | None = None, **headers: str
    ) -> int:
        """POST to a function; return the answer's status."""
        process._contexts_by_loop.clear()
        process._contexts_by_loop[asyncio.get_running_loop()] = services or self.world.services
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", function, methods=["POST"])]))  # type: ignore[arg-type] # the framework's decorator is untyped
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            all_headers = {"content-type": "application/json", **headers}
            return (await client.post("/", content=raw, headers=all_headers)).status_code

    async def webhook(
        self, body: object, services: AppContext | None = None, **headers: str
    ) -> int:
        """POST to the webhook, by default with the credential that it wants."""
        return await self.call(opentable_webhook, body, services, **(headers or TOKEN_HEADERS))


def lines_with_forbidden_text(text: str) -> list[str]:
    """Return the lines that tell what nobody may read."""
    return [
        line
        for line in text.splitlines()
        if any(mark in line.casefold() for mark in FORBIDDEN_TEXTS)
    ]
