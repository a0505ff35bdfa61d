"""Measure what an unauthenticated call of the staff API costs its process."""

import asyncio
import time
from contextlib import ExitStack

from dev.benchmarks.environment import read_cpu_seconds, start_benchmark_environment
from dev.benchmarks.load_generator import connect
from dev.benchmarks.results import BenchmarkResult, require_at_most
from dev.local.demo_staff import build_unsigned_token
from dev.local.processes import FunctionServer, serve_function

_CALLS, _QUICK_CALLS = 1_000, 250
_ROUNDS = 3
_MAX_MILLISECONDS = 1.0
_MILLISECONDS = 1000
_RESTAURANT_PATH = "/api/restaurants/restaurant-00000/reservations"


def measure_unauthenticated_calls(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the processor time of a call of each kind."""
    count = _QUICK_CALLS if quick else _CALLS
    token = build_unsigned_token("another-project", "eve", int(time.time()))
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        # No emulator listens at this address: token verification sends it no request.
        variables = environment.build_variables(FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:9099")
        function = stack.enter_context(serve_function("api", variables))
        requests = {
            "no token": _build_request(_RESTAURANT_PATH),
            "malformed token": _build_request(_RESTAURANT_PATH, "authorization: Bearer a.b.c"),
            "token of another project": _build_request(
                _RESTAURANT_PATH, f"authorization: Bearer {token}"
            ),
            "OpenAPI document": _build_request("/api/openapi.json"),
        }
        return [
            _measure_calls(function, kind, request, count) for kind, request in requests.items()
        ], []


def _build_request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: bench", *headers, "", ""]).encode()


def _measure_calls(
    function: FunctionServer, kind: str, request: bytes, count: int
) -> BenchmarkResult:
    rounds = []
    for _ in range(_ROUNDS):
        before = read_cpu_seconds(function.process.pid)
        asyncio.run(_send_calls(function.port, request, count))
        seconds = read_cpu_seconds(function.process.pid) - before
        rounds.append(seconds / count * _MILLISECONDS)
    # The lowest: other processes of the machine only add to it.
    milliseconds = min(rounds)
    return BenchmarkResult(
        f"staff API, processor time of an unauthenticated call: {kind}",
        milliseconds,
        require_at_most(_MAX_MILLISECONDS),
        milliseconds,
        "ms",
        detail={"rounds": [round(each, 3) for each in rounds]},
    )


async def _send_calls(port: int, request: bytes, count: int) -> None:
    connection = await connect(port)
    for _ in range(count):
        await connection.send(request)
    await connection.close()
