"""The load generator: ready-made requests over connections that are kept.

It does as little as can be, for it shares the machine with what it measures: requests are bytes
before the clock starts, and answers are only looked into after it has stopped.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from dev.processes import LOOPBACK

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH_HEADER = b"content-length: "
_MAX_IDLE_SECONDS = 2.0
"""After which a connection is not trusted: the server closes those that stay idle for 5."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of some requests.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds from when each request was due to its answer.
        outcomes: How often each answer's ``status`` came.
    """

    seconds: float
    latencies: list[float]
    outcomes: Counter[str]

    @property
    def requests_per_second(self) -> float:
        """Requests answered a second."""
        return len(self.latencies) / self.seconds


class HttpConnection:
    """One HTTP/1.1 connection that is kept.

    Args:
        reader: What comes in.
        writer: What goes out.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last_used = time.perf_counter()

    @property
    def is_fresh(self) -> bool:
        """Whether the server still keeps it."""
        return time.perf_counter() - self._last_used < _MAX_IDLE_SECONDS

    async def close(self) -> None:
        """End it."""
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, request: bytes) -> bytes:
        """Send a whole request and return its answer's body."""
        self._writer.write(request)
        head = await self._reader.readuntil(_END_OF_HEAD)
        length = head.lower().partition(_LENGTH_HEADER)[2].partition(b"\r\n")[0]
        if not length:
            raise RuntimeError(f"an answer that does not tell its length: {head!r}")
        body = await self._reader.readexactly(int(length))
        self._last_used = time.perf_counter()
        return body


async def send_closed_loop(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    """Send requests in their order, each as soon as a connection is free (a closed loop).

    Args:
        port: The server's, on this machine.
        requests: Whole HTTP requests.
        connections: How many are under way at once.
    """
    responses = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    pending = iter(range(len(requests)))
    open_connections = [await _connect(port) for _ in range(connections)]

    async def work(connection: HttpConnection) -> None:
        for number in pending:
            due = time.perf_counter()
            responses[number] = await connection.send(requests[number])
            latencies[number] = time.perf_counter() - due

    started = time.perf_counter()
    await asyncio.gather(*map(work, open_connections))
    seconds = time.perf_counter() - started
    await asyncio.gather(*(connection.close() for connection in open_connections))
    return LoadResult(seconds, latencies, _count_outcomes(responses))


async def send_open_loop(port: int, requests: Sequence[bytes], rate: float) -> LoadResult:
    """Send requests at a steady rate, however long answers take (an open loop).

    A request that has to wait for a connection is counted from when it was due: a server that
    falls behind cannot slow down those who come.

    Args:
        port: The server's, on this machine.
        requests: Whole HTTP requests.
        rate: Requests a second.
    """
    responses = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    idle_connections: list[HttpConnection] = []

    async def answer(number: int, due: float) -> None:
        connection = (
            idle_connections.pop()
            if idle_connections and idle_connections[-1].is_fresh
            else await _connect(port)
        )
        responses[number] = await connection.send(requests[number])
        latencies[number] = time.perf_counter() - due
        idle_connections.append(connection)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as task_group:
        for number in range(len(requests)):
            due = started + number / rate
            await asyncio.sleep(due - time.perf_counter())
            task_group.create_task(answer(number, due))
    seconds = time.perf_counter() - started
    await asyncio.gather(*(connection.close() for connection in idle_connections))
    return LoadResult(seconds, latencies, _count_outcomes(responses))


async def _connect(port: int) -> HttpConnection:
    return HttpConnection(*await asyncio.open_connection(LOOPBACK, port))


def _count_outcomes(responses: Sequence[bytes]) -> Counter[str]:
    return Counter(json.loads(response)["status"] for response in responses)


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """Sends from a process of its own: what it costs falls on both sides of a round alike."""

    executor: Executor

    def run_closed_loop(self, port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
        """Send in a closed loop (see `send_closed_loop`)."""
        return self.executor.submit(_run_closed_loop, port, requests, connections).result()

    def run_open_loop(self, port: int, requests: Sequence[bytes], rate: float) -> LoadResult:
        """Send in an open loop (see `send_open_loop`)."""
        return self.executor.submit(_run_open_loop, port, requests, rate).result()


def _run_closed_loop(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    return asyncio.run(send_closed_loop(port, requests, connections))


def _run_open_loop(port: int, requests: Sequence[bytes], rate: float) -> LoadResult:
    return asyncio.run(send_open_loop(port, requests, rate))


@contextmanager
def start_load_generator() -> Iterator[LoadGenerator]:
    """Keep a generator's process for the length of a `with` block."""
    # Spawned: a fork would copy gRPC's threads in the middle of whatever they do.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield LoadGenerator(process)
