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
_LENGTH = b"content-length: "
_IDLE_SECONDS = 2.0
"""After which a connection is not trusted: the server closes those that stay idle for 5."""


@dataclass(frozen=True, slots=True)
class Answered:
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
    def a_second(self) -> float:
        """Requests answered a second."""
        return len(self.latencies) / self.seconds


class Connection:
    """One HTTP/1.1 connection that is kept.

    Args:
        reader: What comes in.
        writer: What goes out.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._used = time.perf_counter()

    @property
    def is_fresh(self) -> bool:
        """Whether the server still keeps it."""
        return time.perf_counter() - self._used < _IDLE_SECONDS

    async def close(self) -> None:
        """End it."""
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, request: bytes) -> bytes:
        """Send a whole request and return its answer's body."""
        self._writer.write(request)
        head = await self._reader.readuntil(_END_OF_HEAD)
        length = head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]
        if not length:
            raise RuntimeError(f"an answer that does not tell its length: {head!r}")
        body = await self._reader.readexactly(int(length))
        self._used = time.perf_counter()
        return body


async def send_in_turn(port: int, requests: Sequence[bytes], connections: int) -> Answered:
    """Send requests in their order, each as soon as a connection is free (a closed loop).

    Args:
        port: The server's, on this machine.
        requests: Whole HTTP requests.
        connections: How many are under way at once.
    """
    answers = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    waiting = iter(range(len(requests)))
    opened = [await _connect(port) for _ in range(connections)]

    async def work(connection: Connection) -> None:
        for number in waiting:
            due = time.perf_counter()
            answers[number] = await connection.send(requests[number])
            latencies[number] = time.perf_counter() - due

    began = time.perf_counter()
    await asyncio.gather(*map(work, opened))
    seconds = time.perf_counter() - began
    await asyncio.gather(*(connection.close() for connection in opened))
    return Answered(seconds, latencies, _outcomes(answers))


async def send_on_time(port: int, requests: Sequence[bytes], rate: float) -> Answered:
    """Send requests at a steady rate, however long answers take (an open loop).

    A request that has to wait for a connection is counted from when it was due: a server that
    falls behind cannot slow down those who come.

    Args:
        port: The server's, on this machine.
        requests: Whole HTTP requests.
        rate: Requests a second.
    """
    answers = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    free: list[Connection] = []

    async def answer(number: int, due: float) -> None:
        connection = free.pop() if free and free[-1].is_fresh else await _connect(port)
        answers[number] = await connection.send(requests[number])
        latencies[number] = time.perf_counter() - due
        free.append(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as sending:
        for number in range(len(requests)):
            due = began + number / rate
            await asyncio.sleep(due - time.perf_counter())
            sending.create_task(answer(number, due))
    seconds = time.perf_counter() - began
    await asyncio.gather(*(connection.close() for connection in free))
    return Answered(seconds, latencies, _outcomes(answers))


async def _connect(port: int) -> Connection:
    return Connection(*await asyncio.open_connection(LOOPBACK, port))


def _outcomes(answers: Sequence[bytes]) -> Counter[str]:
    return Counter(json.loads(answer)["status"] for answer in answers)


@dataclass(frozen=True, slots=True)
class Generator:
    """Sends from a process of its own: what it costs falls on both sides of a round alike."""

    process: Executor

    def in_turn(self, port: int, requests: Sequence[bytes], connections: int) -> Answered:
        """Send in a closed loop (see `send_in_turn`)."""
        return self.process.submit(_in_turn, port, requests, connections).result()

    def on_time(self, port: int, requests: Sequence[bytes], rate: float) -> Answered:
        """Send in an open loop (see `send_on_time`)."""
        return self.process.submit(_on_time, port, requests, rate).result()


def _in_turn(port: int, requests: Sequence[bytes], connections: int) -> Answered:
    return asyncio.run(send_in_turn(port, requests, connections))


def _on_time(port: int, requests: Sequence[bytes], rate: float) -> Answered:
    return asyncio.run(send_on_time(port, requests, rate))


@contextmanager
def generating() -> Iterator[Generator]:
    """Keep a generator's process for the length of a `with` block."""
    # Spawned: a fork would copy gRPC's threads in the middle of whatever they do.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield Generator(process)
