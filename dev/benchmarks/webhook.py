"""Measure the webhook under load against a handler with commits only."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dev.benchmarks import baseline
from dev.benchmarks.environment import (
    BenchmarkEnvironment,
    read_cpu_seconds,
    start_benchmark_environment,
)
from dev.benchmarks.load_generator import (
    LoadGenerator,
    LoadResult,
    Tenant,
    build_creation_requests,
    build_mixed_requests,
    start_load_generator,
)
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    percentile,
    require_at_least,
    require_at_most,
)
from dev.local.processes import FunctionServer, serve_function

_CONNECTIONS = 16
_TENANT_COUNT = 50
_WARM_UP_REQUESTS = 400
_ROUNDS, _QUICK_ROUNDS = 7, 3
_EVENTS, _QUICK_EVENTS = 1_500, 400
_MICROSECONDS_PER_SECOND = 1e6


@dataclass(frozen=True, slots=True)
class WebhookBenchmark:
    """The two servers, the load generator and the size of a round."""

    baseline: FunctionServer
    product: FunctionServer
    generator: LoadGenerator
    tenants: Sequence[Tenant]
    rounds: int
    events: int

    def measure_throughput(
        self, name: str, limit: float, make: Callable[[int], "RequestBatch"]
    ) -> BenchmarkResult:
        """Return a figure of events a second, both sides sent the very same requests in turn."""
        pairs, cpu_times, outcomes = [], [], []
        for number in range(self.rounds):
            batch = make(number)
            (baseline_result, baseline_cpu_time), (product_result, product_cpu_time) = (
                self._run_batch(self.baseline, batch),
                self._run_batch(self.product, batch),
            )
            pairs.append(
                MeasurementPair(
                    baseline_result.requests_per_second, product_result.requests_per_second
                )
            )
            cpu_times.append(MeasurementPair(baseline_cpu_time, product_cpu_time))
            outcomes.append(dict(product_result.outcomes))
        processor = {
            "processorMicroseconds": [
                (round(each.baseline), round(each.product)) for each in cpu_times
            ]
        }
        return build_ratio_result(
            name, "per second", require_at_least(limit), pairs, outcomes=outcomes, **processor
        )

    def _run_batch(self, server: FunctionServer, batch: "RequestBatch") -> tuple[LoadResult, float]:
        if batch.setup_requests:
            self.generator.run_closed_loop(server.port, batch.setup_requests, _CONNECTIONS)
        cpu_seconds_before = read_cpu_seconds(server.process.pid)
        result = self.generator.run_closed_loop(server.port, batch.timed_requests, _CONNECTIONS)
        cpu_seconds = read_cpu_seconds(server.process.pid) - cpu_seconds_before
        return result, cpu_seconds / len(batch.timed_requests) * _MICROSECONDS_PER_SECOND

    def measure_latency(self, rate: float) -> BenchmarkResult:
        """Return the figure of the 99th percentile at a steady rate of arrivals."""
        pairs = []
        for _ in range(self.rounds):
            batch = build_creation_requests(self.tenants, self.events)
            baseline_result, product_result = (
                self.generator.run_open_loop(server.port, batch, rate)
                for server in (self.baseline, self.product)
            )
            pairs.append(
                MeasurementPair(
                    _p99_milliseconds(baseline_result), _p99_milliseconds(product_result)
                )
            )
        return build_ratio_result(
            "p99 latency at half of the floor's throughput",
            "ms",
            require_at_most(1.5),
            pairs,
            rate=round(rate),
        )


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """One round's requests; `setup_requests` must be answered before the timed ones."""

    timed_requests: Sequence[bytes]
    setup_requests: Sequence[bytes] = ()


def _p99_milliseconds(result: LoadResult) -> float:
    return percentile(result.latencies, 0.99) * 1000


def measure_webhook(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the webhook's figures."""
    figures = _measure_throughputs(quick=quick)
    with ExitStack() as stack:
        # Java's default garbage collector pauses for a tenth of a second, far above the
        # measured latency.
        benchmark = _start_benchmark(
            stack.enter_context(start_benchmark_environment(allow_gc_pauses=False)),
            stack,
            quick=quick,
        )
        return [*figures, benchmark.measure_latency((figures[0].baseline or 0) / 2)], []


def _measure_throughputs(*, quick: bool) -> list[BenchmarkResult]:
    with ExitStack() as stack:
        benchmark = _start_benchmark(
            stack.enter_context(start_benchmark_environment()), stack, quick=quick
        )
        tenants = benchmark.tenants

        def busy_day(number: int) -> RequestBatch:
            before, timed = build_mixed_requests(tenants, benchmark.events, number)
            return RequestBatch(timed, before)

        return [
            benchmark.measure_throughput(
                f"created events, {_TENANT_COUNT} restaurants",
                0.90,
                lambda _: RequestBatch(build_creation_requests(tenants, benchmark.events)),
            ),
            benchmark.measure_throughput(
                "created events, one restaurant",
                0.90,
                lambda _: RequestBatch(build_creation_requests(tenants[:1], benchmark.events)),
            ),
            benchmark.measure_throughput("mixed traffic: 60 / 25 / 10 / 5", 0.65, busy_day),
        ]


def _start_benchmark(
    environment: BenchmarkEnvironment, stack: ExitStack, *, quick: bool
) -> WebhookBenchmark:
    tenants = environment.seed_tenants(_TENANT_COUNT)
    generator = stack.enter_context(start_load_generator())
    product_server = stack.enter_context(
        serve_function("opentable_webhook", environment.build_variables())
    )
    generator.run_closed_loop(
        product_server.port, build_creation_requests(tenants, _WARM_UP_REQUESTS), _CONNECTIONS
    )
    sample_variables = {
        baseline.SAMPLE_DOCUMENT_VARIABLE: asyncio.run(find_document_path(environment, tenants[0]))
    }
    source = Path(baseline.__file__)
    baseline_server = stack.enter_context(
        serve_function("commit_two", environment.build_variables(**sample_variables), source=source)
    )
    generator.run_closed_loop(
        baseline_server.port, build_creation_requests(tenants, _WARM_UP_REQUESTS), _CONNECTIONS
    )
    rounds, events = (_QUICK_ROUNDS, _QUICK_EVENTS) if quick else (_ROUNDS, _EVENTS)
    return WebhookBenchmark(baseline_server, product_server, generator, tenants, rounds, events)


async def find_document_path(environment: BenchmarkEnvironment, tenant: Tenant) -> str:
    """Return the path of a stored reservation."""
    reservations = environment.create_client().collection("restaurants", tenant.id, "reservations")
    snapshots = [each async for each in reservations.limit(1).stream()]
    return str(snapshots[0].reference.path)
