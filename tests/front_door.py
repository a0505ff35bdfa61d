"""Webhooks handed to the deployed function itself, in the test's own process."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import cast

from starlette.requests import Request
from starlette.responses import Response  # noqa: TC002 -- beside the request it is read with
from starlette.types import Message

from functions.webhook import opentable_webhook
from shared.edge import services as process
from shared.edge.services import AppContext

BEARER_HEADERS = {"authorization": "Bearer proof"}


async def call_webhook(
    services: AppContext, body: bytes, headers: Mapping[str, str] = BEARER_HEADERS
) -> int:
    """Post a body to the webhook of a process that has these services.

    Args:
        services: The process's.
        body: The bytes that arrive.
        headers: Beside the media type; by default the credential of `tests.world`'s restaurant.

    Returns:
        The answer's HTTP status.
    """
    # The function looks its services up before it first waits, so each caller gets its own.
    process._contexts_by_loop.clear()
    process._contexts_by_loop[asyncio.get_running_loop()] = services
    response = cast("Awaitable[Response]", opentable_webhook(_build_request(body, headers)))
    return (await response).status_code


def _build_request(body: bytes, headers: Mapping[str, str]) -> Request:
    header_values = {"content-type": "application/json", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in header_values.items()],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)
