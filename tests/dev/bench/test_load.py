"""The load generator answers for what it sent, against a server that does next to nothing."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from dev.bench.load import send_closed_loop, send_open_loop
from dev.processes import LOOPBACK


class Server:
    """Answers each request with a status of its body's length, and counts what comes."""

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
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, LOOPBACK, 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


def request(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body


REQUESTS = [request(b"x" * (number % 4)) for number in range(40)]


async def test_every_request_is_sent_once_in_a_closed_loop(server: Server) -> None:
    answered = await send_closed_loop(server.port, REQUESTS, connections=4)
    assert len(server.bodies) == len(REQUESTS)
    assert answered.outcomes == {"odd": 20, "even": 20}
    assert len(answered.latencies) == len(REQUESTS)
    assert min(answered.latencies) > 0


async def test_every_request_is_sent_once_in_an_open_loop(server: Server) -> None:
    answered = await send_open_loop(server.port, REQUESTS, rate=10_000)
    assert len(server.bodies) == len(REQUESTS)
    assert answered.outcomes == {"odd": 20, "even": 20}
    assert min(answered.latencies) > 0


async def test_an_open_loop_does_not_hurry(server: Server) -> None:
    answered = await send_open_loop(server.port, REQUESTS[:5], rate=100)
    assert answered.seconds >= 0.04
