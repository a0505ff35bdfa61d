"""Send webhooks to a served function or call the deployed functions in process."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response  # noqa: TC002 -- beside the request it is read with
from starlette.routing import Route
from starlette.types import Message

from functions.webhook import opentable_webhook
from sandbox.webhook_senders import build_signed_headers
from shared import context as process
from shared.context import AppContext
from shared.ingest.deliveries import _store_refusals
from tests.support.events import envelope_body, row_body
from tests.support.ledger import StoredLedger
from tests.support.restaurants import Restaurant
from tests.support.world import World

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """A sender for one restaurant; `key` is its ``whsec_`` secret."""

    url: str
    http: httpx.AsyncClient
    restaurant: Restaurant
    key: str
    stored_ledger: StoredLedger

    async def send(self, body: object, **headers: str) -> httpx.Response:
        """Sign a body and post it.

        Args:
            body: Bytes as they are, anything else as JSON.
            headers: Over those of the signature; ``_`` stands for ``-``.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.post(raw, sign_webhook(self.key, raw) | _header_names(headers))

    async def post(self, body: object, headers: Mapping[str, str]) -> httpx.Response:
        """Post a body with no headers but these."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with_type = {"content-type": "application/json", **headers}
        return await self.http.post(self.url, content=raw, headers=with_type)

    async def send_and_verify_stored(self, raw: bytes) -> str:
        """Sign and post a body, check that it was stored, and return its status."""
        answer = await self.send(raw)
        code, status = response_status(answer)
        if code == 202:
            assert raw.decode() in [
                item["body"] for item in await self.stored_ledger.quarantine_items()
            ]
            return status
        assert code == 200, (code, raw[:1000])
        key = answer.json()["reservationId"].removeprefix("opentable-")
        entry = (await self.stored_ledger.journal(key))[answer.json()["eventId"]]
        # Of two bodies with one event, which differ in ignored keys only, the first is stored.
        assert entry["payload"] == raw.decode() or status == "duplicate"
        return status

    def envelope(self, kind: str = "created", minute: int = 0, **data: Any) -> dict[str, Any]:
        """Return an envelope about this restaurant (see `tests.support.events.envelope_body`)."""
        return envelope_body(kind, minute, **{"restaurantId": self.restaurant.id, **data})

    def row(self, sequence_id: int, **fields: Any) -> dict[str, Any]:
        """Return OpenTable's object about this restaurant (see `tests.support.events.row_body`)."""
        rid = self.restaurant.rid
        return row_body(sequence_id, **{"rid": int(rid), "id": f"{rid}-ot_1", **fields})


def response_status(answer: httpx.Response) -> tuple[int, str]:
    """Return the HTTP status and the ``status`` of a response."""
    return answer.status_code, answer.json()["status"]


def sign_webhook(key: str, raw: bytes, ahead: int = 0) -> dict[str, str]:
    """Return the headers of a message of its own, signed so many seconds ahead of now."""
    return build_signed_headers(key, f"msg_{next(_numbers)}", int(time.time()) + ahead, raw)


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


BEARER_HEADERS = {"authorization": "Bearer proof"}


async def call_webhook(
    context: AppContext, body: bytes, headers: Mapping[str, str] = BEARER_HEADERS
) -> int:
    """Post a body to the webhook with this context, and return the HTTP status.

    By default `headers` contain the credential of the restaurant of `tests.support.world`.
    """
    # The function looks its services up before it first waits, so each caller gets its own.
    process._contexts_by_loop.clear()
    process._contexts_by_loop[asyncio.get_running_loop()] = context
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


def cancel_background_tasks(context: AppContext) -> None:
    """End what a test's webhooks left behind: the event loop lives on."""
    for task in context.background_tasks:
        task.cancel()


async def store_refusals(context: AppContext) -> None:
    """Store the recorded refusals now, and end their windows."""
    cancel_background_tasks(context)
    for restaurant_id, window in context.refusal_windows.items():
        await _store_refusals(context, restaurant_id, window)
    context.refusal_windows.clear()


FORBIDDEN_TEXTS = ("marked", "5559876", "zoë", "zo\\u00eb", "whsec_", "v1,", "bearer ", "basic ")

# As any mapping: keyword arguments of many names are of no one type.
TOKEN_HEADERS: Any = {"authorization": "Bearer marked-token"}
SIGNATURE_HEADERS: Any = {"webhook-id": "marked", "webhook-signature": "v1,marked"}
MARKED_MEDIA_TYPE: Any = {"content-type": "text/marked"}


class FunctionCaller:
    """Call the deployed functions in this process with their own context."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def call(
        self, function: object, body: object, context: AppContext | None = None, **headers: str
    ) -> int:
        """POST to a function; return the answer's status."""
        process._contexts_by_loop.clear()
        process._contexts_by_loop[asyncio.get_running_loop()] = context or self.world.context
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", function, methods=["POST"])]))  # type: ignore[arg-type] # the framework's decorator is untyped
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            all_headers = {"content-type": "application/json", **headers}
            return (await client.post("/", content=raw, headers=all_headers)).status_code

    async def webhook(self, body: object, context: AppContext | None = None, **headers: str) -> int:
        """POST to the webhook, by default with a valid credential."""
        return await self.call(opentable_webhook, body, context, **(headers or TOKEN_HEADERS))


def lines_with_forbidden_text(text: str) -> list[str]:
    """Return the log lines with personal data or secrets."""
    return [
        line
        for line in text.splitlines()
        if any(mark in line.casefold() for mark in FORBIDDEN_TEXTS)
    ]
