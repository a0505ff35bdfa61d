"""Sends webhooks to a served function, as a relay that signs or as OpenTable."""

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from dev.sandbox.signing import build_signed_headers
from tests.page import Page
from tests.restaurants import Restaurant
from tests.statements import envelope, row

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who may speak for one restaurant.

    Attributes:
        url: The webhook's address.
        http: Carries the requests.
        restaurant: Whose events it sends.
        key: Its ``whsec_`` secret.
        page: What is stored about the restaurant.
    """

    url: str
    http: httpx.AsyncClient
    restaurant: Restaurant
    key: str
    page: Page

    async def send(self, body: object, **headers: str) -> httpx.Response:
        """Sign a body and post it.

        Args:
            body: Bytes as they are, anything else as JSON.
            headers: Over those of the signature; ``_`` stands for ``-``.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.post(raw, signature(self.key, raw) | _named(headers))

    async def post(self, body: object, headers: Mapping[str, str]) -> httpx.Response:
        """Post a body with no headers but these."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with_type = {"content-type": "application/json", **headers}
        return await self.http.post(self.url, content=raw, headers=with_type)

    async def kept(self, raw: bytes) -> str:
        """Sign and post a body; return what became of it, having seen it stored as it came."""
        answer = await self.send(raw)
        code, status = told(answer)
        if code == 202:
            assert raw.decode() in [item["body"] for item in await self.page.quarantined()]
            return status
        assert code == 200, (code, raw[:1000])
        key = answer.json()["reservationId"].removeprefix("opentable-")
        assert (await self.page.journal(key))[answer.json()["eventId"]]["payload"] == raw.decode()
        return status

    def envelope(self, kind: str = "created", minute: int = 0, **data: Any) -> dict[str, Any]:
        """Return an envelope about this restaurant (see `tests.statements.envelope`)."""
        return envelope(kind, minute, **{"restaurantId": self.restaurant.id, **data})

    def row(self, sequence_id: int, **fields: Any) -> dict[str, Any]:
        """Return OpenTable's object about this restaurant (see `tests.statements.row`)."""
        rid = self.restaurant.rid
        return row(sequence_id, **{"rid": int(rid), "id": f"{rid}-ot_1", **fields})


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return what an answer says: its HTTP status and its own."""
    return answer.status_code, answer.json()["status"]


def signature(key: str, raw: bytes, ahead: int = 0) -> dict[str, str]:
    """Return the headers of a message of its own, signed so many seconds ahead of now."""
    return build_signed_headers(key, f"msg_{next(_numbers)}", int(time.time()) + ahead, raw)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
