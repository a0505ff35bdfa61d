"""Sends webhooks to a served function, as a relay that signs or as OpenTable."""

import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from dev.sandbox.signing import build_signed_headers
from tests.page import StoredLedger
from tests.restaurants import Restaurant
from tests.statements import envelope_body, row_body

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Who may speak for one restaurant.

    Attributes:
        url: The webhook's address.
        http: Carries the requests.
        restaurant: Whose events it sends.
        key: Its ``whsec_`` secret.
        stored_ledger: What is stored about the restaurant.
    """

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
        """Sign and post a body; return what became of it, having seen it stored as it came."""
        answer = await self.send(raw)
        code, status = response_status(answer)
        if code == 202:
            assert raw.decode() in [
                item["body"] for item in await self.stored_ledger.quarantine_items()
            ]
            return status
        assert code == 200, (code, raw[:1000])
        key = answer.json()["reservationId"].removeprefix("opentable-")
        assert (await self.stored_ledger.journal(key))[answer.json()["eventId"]][
            "payload"
        ] == raw.decode()
        return status

    def envelope(self, kind: str = "created", minute: int = 0, **data: Any) -> dict[str, Any]:
        """Return an envelope about this restaurant (see `tests.statements.envelope_body`)."""
        return envelope_body(kind, minute, **{"restaurantId": self.restaurant.id, **data})

    def row(self, sequence_id: int, **fields: Any) -> dict[str, Any]:
        """Return OpenTable's object about this restaurant (see `tests.statements.row_body`)."""
        rid = self.restaurant.rid
        return row_body(sequence_id, **{"rid": int(rid), "id": f"{rid}-ot_1", **fields})


def response_status(answer: httpx.Response) -> tuple[int, str]:
    """Return what an answer says: its HTTP status and its own."""
    return answer.status_code, answer.json()["status"]


def sign_webhook(key: str, raw: bytes, ahead: int = 0) -> dict[str, str]:
    """Return the headers of a message of its own, signed so many seconds ahead of now."""
    return build_signed_headers(key, f"msg_{next(_numbers)}", int(time.time()) + ahead, raw)


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
