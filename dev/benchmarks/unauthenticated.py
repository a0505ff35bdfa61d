"""Measure unauthenticated requests.

Genuine webhooks are measured during a flood of unauthenticated ones at the same process. Calls of
the staff API are measured by their processor time.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field

from dev.benchmarks.environment import (
    AUTH_EMULATOR_HOST,
    BenchmarkEnvironment,
    read_cpu_seconds,
    start_benchmark_environment,
)
from dev.benchmarks.load_generator import (
    HttpConnection,
    LoadGenerator,
    LoadResult,
    Tenant,
    build_created_envelope,
    build_creation_requests,
    build_post_request,
    build_request_head,
    connect,
    send_closed_loop,
    send_open_loop,
    start_load_generator,
)
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    build_value_result,
    format_figure,
    percentile,
    require_at_most,
)
from dev.local.demo_staff import build_unsigned_token
from dev.local.processes import FunctionServer, serve_function
from shared.firestore import paths

FLOOD_RATE = 200  # requests per second
_GENUINE_RATE = 50
_CONNECTIONS = 16
_TENANT_COUNT = 20
_ROUNDS, _QUICK_ROUNDS = 3, 1
_SECONDS, _QUICK_SECONDS = 20, 8
_LARGE_BODY_BYTES = 256 * 1024
_BEARER_CREDENTIAL = "genuine-token"
_MAX_RATIO = 5.0
_MILLISECONDS = 1000
_NUMBERS = itertools.count(1)
_CALLS, _QUICK_CALLS = 1_000, 250
_CALL_ROUNDS = 3
_MAX_CALL_MILLISECONDS = 1.0
_RESTAURANT_PATH = "/api/restaurants/restaurant-00000/reservations"

FloodKind = Callable[[str], bytes]


def _build_body(restaurant_id: str, padding: str = "") -> bytes:
    number = next(_NUMBERS)
    body = build_created_envelope(Tenant(restaurant_id, "", "")) | {"id": f"flood-{number}"}
    # Many small objects take the longest to parse.
    return json.dumps(body)[:-1].encode() + f', "padding": [{padding}0]}}'.encode()


def _build_forged(restaurant_id: str, padding: str = "") -> bytes:
    signature = {
        "webhook-id": f"msg-{next(_NUMBERS)}",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": f"v1,{'A' * 43}=",
    }
    return build_post_request(_build_body(restaurant_id, padding), signature)


FLOOD_KINDS: dict[str, FloodKind] = {
    "invented restaurant": lambda _: _build_forged(f"invented-{next(_NUMBERS)}"),
    "forged signature": _build_forged,
    "guessed token": lambda restaurant_id: build_post_request(
        _build_body(restaurant_id), {"authorization": f"Bearer guess-{next(_NUMBERS)}"}
    ),
    "256 KiB body": lambda restaurant_id: _build_forged(
        restaurant_id, "{}," * ((_LARGE_BODY_BYTES - 2048) // 3)
    ),
    "no credential": lambda restaurant_id: build_post_request(_build_body(restaurant_id), {}),
    "slow body": _build_forged,
}


@dataclass(slots=True)
class FloodResult:
    """The responses to a flood: how often each kind had each status."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, *statuses: str) -> int:
        """Return how many responses had one of these statuses."""
        return sum(number for (_, status), number in self.statuses.items() if status in statuses)


async def send_flood(
    port: int, restaurant_ids: Sequence[str], kinds: Sequence[str], rate: float, seconds: float
) -> FloodResult:
    """Send requests of some kinds in turn at a constant rate; `restaurant_ids` exist."""
    result, idle = FloodResult(), list[HttpConnection]()

    async def send(kind: str, request: bytes) -> None:
        connection = idle.pop() if idle and idle[-1].is_fresh else await connect(port)
        try:
            # A slow sender stops one byte before the end of its body.
            response = await connection.send(request[:-1] if kind == "slow body" else request)
        except (OSError, EOFError):
            result.statuses[kind, "connection closed"] += 1
            return
        result.statuses[kind, json.loads(response)["status"]] += 1
        # A connection with an unfinished request cannot be used again.
        if kind == "slow body":
            await connection.close()
        else:
            idle.append(connection)

    turns = zip(itertools.cycle(kinds), itertools.cycle(restaurant_ids), strict=False)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as task_group:
        for number in range(round(rate * seconds)):
            kind, restaurant_id = next(turns)
            request = FLOOD_KINDS[kind](restaurant_id)
            await asyncio.sleep(started + number / rate - time.perf_counter())
            task_group.create_task(send(kind, request))
    await asyncio.gather(*(connection.close() for connection in idle))
    return result


@dataclass(frozen=True, slots=True)
class FloodBenchmark:
    """A process of the webhook, genuine senders and a flood, each in its own process."""

    server: FunctionServer
    generator: LoadGenerator
    flood_generator: LoadGenerator
    tenants: Sequence[Tenant]
    seconds: float

    def warm_up(self) -> None:
        """Send as many genuine webhooks as in a round, as fast as possible."""
        arguments = self.server.port, self._build_genuine(), _CONNECTIONS
        self.generator.start(send_closed_loop, *arguments).result()

    def send_genuine(self) -> LoadResult:
        """Send new reservations, signed ones and ones with a token in turn."""
        arguments = self.server.port, self._build_genuine(), _GENUINE_RATE
        return self.generator.start(send_open_loop, *arguments).result()

    def _build_genuine(self) -> list[bytes]:
        count = round(_GENUINE_RATE * self.seconds)
        signed = build_creation_requests(self.tenants, count // 2)
        header = {"authorization": f"Bearer {_BEARER_CREDENTIAL}"}
        with_token = [
            build_post_request(json.dumps(build_created_envelope(tenant)).encode(), header)
            for tenant in itertools.islice(itertools.cycle(self.tenants), count // 2)
        ]
        return [request for pair in zip(signed, with_token, strict=True) for request in pair]

    def send_flooded(self) -> tuple[LoadResult, FloodResult]:
        """Send the same amount during a flood of all kinds."""
        flood = self._start_flood(list(FLOOD_KINDS), FLOOD_RATE)
        return self.send_genuine(), flood.result()

    def measure_cpu_milliseconds(self, kind: str) -> float:
        """Return the webhook's processor time per request of a kind."""
        before = read_cpu_seconds(self.server.process.pid)
        requests = self._start_flood([kind], FLOOD_RATE / 2).result().statuses.total()
        return (read_cpu_seconds(self.server.process.pid) - before) / requests * _MILLISECONDS

    def _start_flood(self, kinds: Sequence[str], rate: float) -> Future[FloodResult]:
        arguments = [tenant.id for tenant in self.tenants], kinds, rate, self.seconds
        return self.flood_generator.start(send_flood, self.server.port, *arguments)


def measure_flood(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figures of genuine webhooks in a flood, and a table of the flood's cost."""
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment(allow_gc_pauses=False))
        tenants = environment.seed_tenants(_TENANT_COUNT)
        asyncio.run(_give_secrets(environment, tenants))
        # Without a partner, a credential can be verified only after a lookup of its restaurant.
        variables = environment.build_variables(OPENTABLE_PARTNER_SECRET="")
        benchmark = FloodBenchmark(
            stack.enter_context(serve_function("opentable_webhook", variables)),
            stack.enter_context(start_load_generator()),
            stack.enter_context(start_load_generator()),
            tenants,
            _QUICK_SECONDS if quick else _SECONDS,
        )
        benchmark.warm_up()
        pairs, failures, flood_statuses = [], 0, Counter[str]()
        for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
            quiet = benchmark.send_genuine()
            flooded, flood = benchmark.send_flooded()
            latencies = (percentile(each.latencies, 0.99) for each in (quiet, flooded))
            pairs.append(MeasurementPair(*(_MILLISECONDS * seconds for seconds in latencies)))
            failures += len(flooded.latencies) - flooded.outcomes["created"]
            for (_, status), count in flood.statuses.items():
                flood_statuses[status] += count
        costs = {kind: benchmark.measure_cpu_milliseconds(kind) for kind in FLOOD_KINDS}
    name = f"p99 latency in a flood of {FLOOD_RATE} refused webhooks per second"
    results = [
        build_ratio_result(
            name, "ms", require_at_most(_MAX_RATIO), pairs, flood=dict(flood_statuses)
        ),
        build_value_result("… genuine webhooks not accepted", "", require_at_most(0), failures),
    ]
    rows = [f"| {kind} | {format_figure(cost)} |" for kind, cost in costs.items()]
    return results, ["| refused webhook | processor time, ms |", "|---|---|", *rows]


async def _give_secrets(environment: BenchmarkEnvironment, tenants: Sequence[Tenant]) -> None:
    """Give each restaurant a secret of its own."""
    client = environment.create_client()
    secrets, batch = {}, client.batch()
    for tenant in tenants:
        secret_id = f"opentable-{tenant.id}"
        secrets[secret_id] = {
            "webhookSecrets": [tenant.signing_secret],
            "bearerTokens": [_BEARER_CREDENTIAL],
        }
        fields = {"secret": secret_id, "webhookAuth": ["standard-webhooks", "bearer"]}
        batch.update(paths.integration_document(client, tenant.id), fields)
    await batch.commit()
    environment.secrets_file.write_text(json.dumps(secrets))


def measure_unauthenticated_calls(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the processor time of a call of each kind."""
    count = _QUICK_CALLS if quick else _CALLS
    token = build_unsigned_token("another-project", "eve", int(time.time()))
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        variables = environment.build_variables(FIREBASE_AUTH_EMULATOR_HOST=AUTH_EMULATOR_HOST)
        function = stack.enter_context(serve_function("api", variables))
        malformed, foreign = ({"authorization": f"Bearer {text}"} for text in ("a.b.c", token))
        requests = {
            "no token": build_request_head("GET", _RESTAURANT_PATH, {}),
            "malformed token": build_request_head("GET", _RESTAURANT_PATH, malformed),
            "token of another project": build_request_head("GET", _RESTAURANT_PATH, foreign),
            "OpenAPI document": build_request_head("GET", "/api/openapi.json", {}),
        }
        results = []
        for kind, request in requests.items():
            rounds = []
            for _ in range(_CALL_ROUNDS):
                before = read_cpu_seconds(function.process.pid)
                asyncio.run(_send_calls(function.port, request, count))
                seconds = read_cpu_seconds(function.process.pid) - before
                rounds.append(seconds / count * _MILLISECONDS)
            result = build_value_result(
                f"staff API, processor time of an unauthenticated call: {kind}",
                "ms",
                require_at_most(_MAX_CALL_MILLISECONDS),
                min(rounds),  # other processes of the machine only add to it
                rounds=[round(each, 3) for each in rounds],
            )
            results.append(result)
    return results, []


async def _send_calls(port: int, request: bytes, count: int) -> None:
    connection = await connect(port)
    for _ in range(count):
        await connection.send(request)
    await connection.close()
