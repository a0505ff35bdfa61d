"""An OpenTable that costs nothing to ask: its rows are made before anyone asks for them.

``python -m dev.bench.opentable --port N [--latency SECONDS]``. The rows are the sandbox's own;
``POST /_book/RID?rows=N`` makes a book of them, ``POST /_book/RID?every=N`` changes every nth.
"""

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import uvicorn
from starlette.types import Receive, Scope, Send

from dev.processes import LOOPBACK
from dev.sandbox.book import Book
from dev.sandbox.guest_rows import guest_row
from dev.sandbox.populate import populate
from dev.sandbox.records import Restaurant
from dev.sandbox.rows import View, reservation_row

_ZONE = ZoneInfo("America/New_York")
_VIEW = View("gold", _ZONE, "http://opentable.invalid")
_TOKEN = b'{"access_token": "token", "token_type": "bearer", "expires_in": 2592000}'


class Shelf:
    """One restaurant's rows, as the bytes that an answer is put together from."""

    def __init__(self) -> None:
        self.reservations: list[bytes] = []
        self.guests: list[bytes] = []

    def fill(self, rid: int, count: int) -> None:
        """Make a book of so many reservations."""
        book = Book(lambda: datetime.now(UTC))
        book.open(Restaurant(rid, f"Restaurant {rid}", _ZONE))
        populate(book, rid, count, seed=rid)
        self.guests = [_bytes(guest_row(each, _VIEW)) for each in book.guests(rid)]
        self.reservations = [
            _bytes(reservation_row(each, book.guest(rid, each.guest_key), _VIEW))
            for each in book.reservations(rid)
        ]

    def change(self, every: int) -> None:
        """Have every nth reservation changed a minute after it last was."""
        for place in range(0, len(self.reservations), every):
            self.reservations[place] = _bytes(_changed(json.loads(self.reservations[place])))


def _changed(row: dict[str, Any]) -> dict[str, Any]:
    updated = datetime.fromisoformat(row["updated_at_utc"]) + timedelta(minutes=1)
    return row | {
        "sequence_id": row["sequence_id"] + 1,
        "updated_at": f"{updated.astimezone(_ZONE):%Y-%m-%dT%H:%M:%S}",
        "updated_at_utc": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
        "party_size": row["party_size"] % 12 + 1,
    }


def _bytes(row: object) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()


class OpenTable:
    """The ASGI application.

    Args:
        latency: Seconds that each answer of the API takes.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._shelves: dict[str, Shelf] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        asked = {name: last[-1] for name, last in parse_qs(scope["query_string"].decode()).items()}
        answer = await self._answer(scope["path"], asked)
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, path: str, asked: dict[str, str]) -> bytes:
        room, _, rest = path.removeprefix("/").partition("/")
        if room == "_book":
            return self._arrange(rest, asked)
        if room != "sync":
            return _TOKEN
        await asyncio.sleep(self._latency)
        shelf = self._shelves.get(asked["rid"], Shelf())
        if rest.endswith("reservations"):
            return _page(shelf.reservations, asked)
        return _page([] if "updated_after" in asked else shelf.guests, asked)

    def _arrange(self, rid: str, asked: dict[str, str]) -> bytes:
        shelf = self._shelves.setdefault(rid, Shelf())
        if "rows" in asked:
            shelf.fill(int(rid), int(asked["rows"]))
        if "every" in asked:
            shelf.change(int(asked["every"]))
        return b"{}"


def _page(rows: list[bytes], asked: dict[str, str]) -> bytes:
    offset, limit = int(asked.get("offset", 0)), int(asked["limit"])
    more = b"true" if offset + limit < len(rows) else b"false"
    items = b",".join(rows[offset : offset + limit])
    return b'{"hasNextPage":%b,"offset":%d,"limit":%d,"items":[%b]}' % (more, offset, limit, items)


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.opentable", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    said = parser.parse_args()
    uvicorn.run(OpenTable(said.latency), host=LOOPBACK, port=said.port, log_level="warning")


if __name__ == "__main__":
    main()
