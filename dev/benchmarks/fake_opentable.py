"""Serve prebuilt OpenTable rows, so that OpenTable's side costs almost nothing.

Run as ``python -m dev.benchmarks.fake_opentable --port N``. The sandbox renders the rows.
``POST /_book/RID?rows=N`` creates rows; ``POST /_book/RID?every=N`` changes every nth one.
``POST /_latency?seconds=S`` delays each later response of the API.
"""

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import uvicorn
from starlette.types import Receive, Scope, Send

from dev.local.processes import LOOPBACK
from sandbox.background_bookings import populate_store
from sandbox.models import SandboxRestaurant
from sandbox.store import SandboxStore
from sandbox.sync_rows import RenderContext, build_guest_row, build_reservation_row

_ZONE = ZoneInfo("America/New_York")
_RENDER_CONTEXT = RenderContext("gold", _ZONE, "http://opentable.invalid")
_TOKEN_BODY = b'{"access_token": "token", "token_type": "bearer", "expires_in": 2592000}'


class PrebuiltRows:
    """One restaurant's rows as prepared bytes."""

    def __init__(self) -> None:
        self.reservations: list[bytes] = []
        self.guests: dict[str, bytes] = {}

    def fill(self, rid: int, count: int) -> None:
        """Create `count` reservations."""
        store = SandboxStore(lambda: datetime.now(UTC))
        store.add_restaurant(SandboxRestaurant(rid, f"Restaurant {rid}", _ZONE))
        populate_store(store, rid, count, seed=rid)
        guests = [build_guest_row(each, _RENDER_CONTEXT) for each in store.list_guests(rid)]
        self.guests = {str(guest["id"]): _encode_row(guest) for guest in guests}
        self.reservations = [
            _encode_row(
                build_reservation_row(each, store.get_guest(rid, each.guest_key), _RENDER_CONTEXT)
            )
            for each in store.list_reservations(rid)
        ]

    def change(self, every: int) -> None:
        """Have every nth reservation changed a minute after it last was."""
        for index in range(0, len(self.reservations), every):
            row = json.loads(self.reservations[index])
            updated = datetime.fromisoformat(row["updated_at_utc"]) + timedelta(minutes=1)
            row["sequence_id"] += 1
            row["updated_at"] = f"{updated.astimezone(_ZONE):%Y-%m-%dT%H:%M:%S}"
            row["updated_at_utc"] = f"{updated:%Y-%m-%dT%H:%M:%SZ}"
            row["party_size"] = row["party_size"] % 12 + 1
            self.reservations[index] = _encode_row(row)


def _encode_row(row: object) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()


class FakeOpenTable:
    """The ASGI application."""

    def __init__(self) -> None:
        self._latency_seconds = 0.0
        self._rows_by_rid: dict[str, PrebuiltRows] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        query = {name: last[-1] for name, last in parse_qs(scope["query_string"].decode()).items()}
        body = await self._build_body(scope["path"], query)
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _build_body(self, path: str, query: dict[str, str]) -> bytes:
        prefix, _, rest = path.removeprefix("/").partition("/")
        if prefix == "_book":
            restaurant_rows = self._rows_by_rid.setdefault(rest, PrebuiltRows())
            if "rows" in query:
                restaurant_rows.fill(int(rest), int(query["rows"]))
            if "every" in query:
                restaurant_rows.change(int(query["every"]))
            return b"{}"
        if prefix == "_latency":
            self._latency_seconds = float(query["seconds"])
            return b"{}"
        if prefix != "sync":
            return _TOKEN_BODY
        await asyncio.sleep(self._latency_seconds)
        _, _, guest_id = rest.partition("guests/")
        if guest_id:
            return self._rows_by_rid[guest_id.partition("-")[0]].guests[guest_id]
        restaurant_rows = self._rows_by_rid.get(query["rid"], PrebuiltRows())
        if rest.endswith("reservations"):
            return _build_page(restaurant_rows.reservations, query)
        guests = [] if "updated_after" in query else list(restaurant_rows.guests.values())
        return _build_page(guests, query)


def _build_page(rows: list[bytes], query: dict[str, str]) -> bytes:
    offset, limit = int(query.get("offset", 0)), int(query["limit"])
    more = b"true" if offset + limit < len(rows) else b"false"
    items = b",".join(rows[offset : offset + limit])
    return b'{"hasNextPage":%b,"offset":%d,"limit":%d,"items":[%b]}' % (more, offset, limit, items)


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.fake_opentable", description=__doc__
    )
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    uvicorn.run(FakeOpenTable(), host=LOOPBACK, port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
