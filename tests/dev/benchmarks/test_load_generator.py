"""The load generator reports its requests correctly, against a minimal server."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from dev.benchmarks.load_generator import (
    LoadResult,
    Tenant,
    build_creation_requests,
    build_mixed_requests,
    send_closed_loop,
    send_open_loop,
)
from dev.local.processes import LOOPBACK
from sandbox.webhook_senders import encode_signing_secret
from shared.domain.webhook_auth import Authentication, decode_webhook_secret, verify_signature

RESTAURANTS = [
    Tenant(f"restaurant-{n}", f"55500{n}", encode_signing_secret(b"k" * 32)) for n in range(3)
]


def body_of(request: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return parsed


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def test_a_request_is_complete_and_signed() -> None:
    (request,) = build_creation_requests(RESTAURANTS[:1], 1)
    raw = request.partition(b"\r\n\r\n")[2]
    assert headers_of(request)["content-length"] == str(len(raw))
    key = decode_webhook_secret(RESTAURANTS[0].signing_secret)
    assert isinstance(
        verify_signature(headers_of(request), raw, {0: key}, datetime.now(UTC)), Authentication
    )


def test_restaurants_take_turns() -> None:
    requests = build_creation_requests(RESTAURANTS, 6)
    named = [body_of(request)["data"]["restaurantId"] for request in requests]
    assert Counter(named) == {restaurant.id: 2 for restaurant in RESTAURANTS}


def test_a_busy_day_has_the_documented_event_mix() -> None:
    before, timed = build_mixed_requests(RESTAURANTS, 4_000, seed=1)
    known = set(before)
    kinds: Counter[str] = Counter()
    for request in timed:
        kind = "duplicate" if request in known else str(body_of(request)["eventType"])
        kinds[kind.removeprefix("reservation.")] += 1
        known.add(request)
    documented = {"created": 0.6, "updated": 0.25, "duplicate": 0.1, "cancelled": 0.05}
    shares = {kind: round(count / len(timed), 2) for kind, count in kinds.items()}
    assert shares == pytest.approx(documented, abs=0.03)


def test_follow_up_events_come_long_after_the_creation() -> None:
    before, timed = build_mixed_requests(RESTAURANTS, 1_000, seed=2)
    born: dict[object, int] = {}
    for place, request in enumerate([*before, *timed]):
        body = body_of(request)
        key = body["data"]["reservationId"]
        if key in born:
            assert place - born[key] >= 200
        elif body["eventType"] == "reservation.created":
            born[key] = place
        assert key in born


class Server:
    """Respond with the body's length as status, and count requests."""

    def __init__(self) -> None:
        self.port = 0
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.bodies.append(await reader.readexactly(length))
                answer = json.dumps({"status": "odd" if length % 2 else "even"}).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
                )
        except asyncio.IncompleteReadError:
            writer.close()


@pytest.fixture
async def load_target() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, LOOPBACK, 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


def request(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body


REQUESTS = [request(b"x" * (number % 4)) for number in range(40)]


SendRequests = Callable[[int, list[bytes]], Awaitable[LoadResult]]


@pytest.mark.parametrize(
    "send",
    [partial(send_closed_loop, connections=4), partial(send_open_loop, rate=10_000)],
    ids=["closed loop", "open loop"],
)
async def test_every_request_is_sent_once(load_target: Server, send: SendRequests) -> None:
    answered = await send(load_target.port, REQUESTS)
    assert len(load_target.bodies) == len(answered.latencies) == len(REQUESTS)
    assert answered.outcomes == {"odd": 20, "even": 20}
    assert min(answered.latencies) > 0


async def test_an_open_loop_does_not_hurry(load_target: Server) -> None:
    answered = await send_open_loop(load_target.port, REQUESTS[:5], rate=100)
    assert answered.seconds >= 0.04
