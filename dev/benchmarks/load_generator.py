"""Send prepared, signed requests over persistent connections.

The generator shares the machine with the measured process, so it works as little as possible: it
builds requests before the clock starts and reads responses after it stops.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

from dev.local.processes import LOOPBACK
from sandbox.webhook_senders import build_signed_headers

_R = TypeVar("_R")
_sequence = itertools.count(1)
_EVENT_SHARES = {"created": 0.60, "updated": 0.25, "duplicate": 0.10, "cancelled": 0.05}
# Creations before the first event of a mix. Half as many lie between any event and its cause: more
# than are ever under way.
_WARM_UP_CREATIONS = 400
_STATUSES = ("confirmed", "checked_in", "seated", "completed")
_SPECIAL_REQUESTS = ("", "Window seat", "High chair, please", "Birthday")
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH_HEADER = b"content-length: "
# The server closes a connection that is idle for 5 seconds.
_MAX_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """A restaurant of the bench; its relay signs with a ``whsec_`` secret."""

    id: str
    rid: str
    signing_secret: str


def build_signed_request(tenant: Tenant, body: Mapping[str, Any]) -> bytes:
    """Return a body as a signed HTTP request."""
    raw = json.dumps(body).encode()
    return build_post_request(raw, build_signature_headers(tenant, raw))


def build_post_request(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return an HTTP request with a JSON body."""
    content = {"content-type": "application/json", "content-length": str(len(body))}
    return build_request_head("POST", "/", {**content, **headers}) + body


def build_request_head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Return an HTTP request up to its body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{lines}\r\n".encode()


def build_signature_headers(tenant: Tenant, raw: bytes) -> dict[str, str]:
    """Return the relay's signature headers of a body, signed now."""
    return build_signed_headers(
        tenant.signing_secret, f"msg_{next(_sequence)}", int(time.time()), raw
    )


def build_created_envelope(tenant: Tenant) -> dict[str, Any]:
    """Return the envelope of a new reservation."""
    number = next(_sequence)
    return _build_envelope(
        "created",
        number,
        {
            "reservationId": f"ot_{number:09}",
            "restaurantId": tenant.id,
            "restaurantName": "Demo Restaurant",
            "dinerName": f"John Doe {number}",
            "dinerEmail": f"john.{number}@example.com",
            "dinerPhone": f"1555{number % 10**7:07}",
            "partySize": 2 + number % 7,
            "reservationDateTime": f"2026-03-{1 + number % 28:02}T{17 + number % 5}:15:00Z",
            "status": "confirmed",
            "specialRequests": _SPECIAL_REQUESTS[number % len(_SPECIAL_REQUESTS)],
        },
    )


def build_updated_envelope(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch of a reservation: another party size and a status."""
    number, data = next(_sequence), before["data"]
    changes = {"partySize": data["partySize"] + 1, "status": _STATUSES[number % len(_STATUSES)]}
    return _build_patch("updated", number, data, changes)


def build_cancelled_envelope(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cancellation of a reservation."""
    changes = {"status": "cancelled", "cancellationReason": "Plans changed"}
    return _build_patch("cancelled", next(_sequence), before["data"], changes)


def _build_patch(
    kind: str, number: int, data: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    ids = {name: data[name] for name in ("reservationId", "restaurantId")}
    return _build_envelope(kind, number, {**ids, **changes})


def _build_envelope(kind: str, number: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an envelope with a later timestamp than all earlier ones."""
    second, millisecond = divmod(number, 1000)
    minute, second = divmod(second, 60)
    timestamp = f"2026-02-01T12:{minute % 60:02}:{second:02}.{millisecond:03}Z"
    return {
        "eventType": f"reservation.{kind}",
        "id": f"evt_{kind}_{number}",
        "timestamp": timestamp,
        "data": dict(data),
    }


def build_creation_requests(tenants: Sequence[Tenant], count: int) -> list[bytes]:
    """Return so many creations, the restaurants in turn."""
    turns = itertools.islice(itertools.cycle(tenants), count)
    return [build_signed_request(tenant, build_created_envelope(tenant)) for tenant in turns]


def build_mixed_requests(
    tenants: Sequence[Tenant], count: int, seed: int
) -> tuple[list[bytes], list[bytes]]:
    """Return a busy day's mix of events, and the creations to send before.

    Each event belongs to a reservation created long before it. Restaurants are drawn uniformly.
    """
    rng = random.Random(seed)
    turns = itertools.islice(itertools.cycle(tenants), _WARM_UP_CREATIONS)
    sent = [_create_reservation(tenant) for tenant in turns]
    setup_requests = [request for _, _, request in sent]
    return setup_requests, [_draw_request(tenants, sent, rng) for _ in range(count)]


def _create_reservation(tenant: Tenant) -> tuple[Tenant, dict[str, Any], bytes]:
    body = build_created_envelope(tenant)
    return tenant, body, build_signed_request(tenant, body)


def _draw_request(
    tenants: Sequence[Tenant], sent: list[tuple[Tenant, dict[str, Any], bytes]], rng: random.Random
) -> bytes:
    kind = rng.choices(list(_EVENT_SHARES), list(_EVENT_SHARES.values()))[0]
    if kind == "created":
        sent.append(_create_reservation(rng.choice(tenants)))
        return sent[-1][2]
    tenant, before, request = sent[rng.randrange(len(sent) - _WARM_UP_CREATIONS // 2)]
    if kind == "duplicate":
        return request
    build = build_updated_envelope if kind == "updated" else build_cancelled_envelope
    return build_signed_request(tenant, build(before))


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of sending requests.

    `seconds` runs from the first request to the last response. `latencies` start when each request
    was due. `outcomes` counts the responses by ``status``.
    """

    seconds: float
    latencies: list[float]
    outcomes: Counter[str]

    @property
    def requests_per_second(self) -> float:
        """Requests answered a second."""
        return len(self.latencies) / self.seconds


class HttpConnection:
    """One persistent HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last_sent = time.perf_counter()

    @property
    def is_fresh(self) -> bool:
        """Whether the server still keeps it."""
        return time.perf_counter() - self._last_sent < _MAX_IDLE_SECONDS

    async def close(self) -> None:
        """End it."""
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, request: bytes) -> bytes:
        """Send a prepared request and return the response's body."""
        # Not the time of the response: the server's pause begins when it responds, which a busy
        # generator notices late.
        self._last_sent = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(_END_OF_HEAD)
        length = head.lower().partition(_LENGTH_HEADER)[2].partition(b"\r\n")[0]
        if not length:
            raise RuntimeError(f"A response without its length: {head!r}")
        return await self._reader.readexactly(int(length))


async def send_closed_loop(port: int, requests: Sequence[bytes], connections: int) -> LoadResult:
    """Send requests in order, each as soon as a connection is free (closed loop)."""
    responses = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    pending = iter(range(len(requests)))
    open_connections = [await connect(port) for _ in range(connections)]

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
    """Send requests at a constant rate per second, independent of responses (open loop).

    Latency counts from the time a request was due, so that a slow server does not slow its clients.
    """
    responses = [b""] * len(requests)
    latencies = [0.0] * len(requests)
    idle_connections: list[HttpConnection] = []

    async def answer(number: int, due: float) -> None:
        connection = (
            idle_connections.pop()
            if idle_connections and idle_connections[-1].is_fresh
            else await connect(port)
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


async def connect(port: int) -> HttpConnection:
    """Open a connection to a port of this machine."""
    return HttpConnection(*await asyncio.open_connection(LOOPBACK, port))


def _count_outcomes(responses: Sequence[bytes]) -> Counter[str]:
    return Counter(json.loads(response)["status"] for response in responses)


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """Send from a separate process, so that its cost affects both sides equally."""

    executor: Executor

    def start(self, send: Callable[..., Coroutine[Any, Any, _R]], *arguments: Any) -> Future[_R]:
        """Begin to send with a function such as `send_closed_loop`."""
        return self.executor.submit(_run, send, *arguments)


def _run(send: Callable[..., Coroutine[Any, Any, _R]], *arguments: Any) -> _R:
    return asyncio.run(send(*arguments))


@contextmanager
def start_load_generator() -> Iterator[LoadGenerator]:
    """Run a generator in a process of its own for a `with` block."""
    # Spawned: a fork would copy gRPC's threads in the middle of whatever they do.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield LoadGenerator(process)
