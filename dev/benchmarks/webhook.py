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
    send_closed_loop,
    send_open_loop,
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
from dev.local.processes import MAIN_FILE, FunctionServer, serve_function

_CONNECTIONS = 16
_TENANT_COUNT = 50
_WARM_UP_REQUESTS = 400
_ROUNDS, _QUICK_ROUNDS = 7, 3
_EVENTS, _QUICK_EVENTS = 1_500, 400
_MICROSECONDS_PER_SECOND = 1e6
# The requests to send before a measurement, and those to measure.
RequestBatch = tuple[Sequence[bytes], Sequence[bytes]]


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
        self, name: str, limit: float, build_batch: Callable[[int], RequestBatch]
    ) -> BenchmarkResult:
        """Return a figure of events a second, both sides sent the very same requests in turn."""
        pairs, cpu_times, outcomes = [], [], []
        for number in range(self.rounds):
            batch = build_batch(number)
            baseline_result, baseline_cpu_time = self._run_batch(self.baseline, batch)
            product_result, product_cpu_time = self._run_batch(self.product, batch)
            pairs.append(
                MeasurementPair(
                    baseline_result.requests_per_second, product_result.requests_per_second
                )
            )
            cpu_times.append((round(baseline_cpu_time), round(product_cpu_time)))
            outcomes.append(dict(product_result.outcomes))
        detail = {"outcomes": outcomes, "processorMicroseconds": cpu_times}
        return build_ratio_result(name, "per second", require_at_least(limit), pairs, **detail)

    def _run_batch(self, server: FunctionServer, batch: RequestBatch) -> tuple[LoadResult, float]:
        setup_requests, timed_requests = batch
        if setup_requests:
            _send_closed_loop(self.generator, server, setup_requests)
        cpu_seconds_before = read_cpu_seconds(server.process.pid)
        result = _send_closed_loop(self.generator, server, timed_requests)
        cpu_seconds = read_cpu_seconds(server.process.pid) - cpu_seconds_before
        return result, cpu_seconds / len(timed_requests) * _MICROSECONDS_PER_SECOND

    def measure_latency(self, rate: float) -> BenchmarkResult:
        """Return the figure of the 99th percentile at a steady rate of arrivals."""
        pairs = []
        for _ in range(self.rounds):
            batch = build_creation_requests(self.tenants, self.events)
            results = (
                self.generator.start(send_open_loop, server.port, batch, rate).result()
                for server in (self.baseline, self.product)
            )
            milliseconds = (percentile(each.latencies, 0.99) * 1000 for each in results)
            pairs.append(MeasurementPair(*milliseconds))
        name = "p99 latency at half of the floor's throughput"
        return build_ratio_result(name, "ms", require_at_most(1.5), pairs, rate=round(rate))


def measure_webhook(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the webhook's figures."""
    figures = _measure_throughputs(quick=quick)
    with ExitStack() as stack:
        # Java's default garbage collector pauses for a tenth of a second, far above the
        # measured latency.
        environment = stack.enter_context(start_benchmark_environment(allow_gc_pauses=False))
        benchmark = _start_benchmark(environment, stack, quick=quick)
        return [*figures, benchmark.measure_latency((figures[0].baseline or 0) / 2)], []


def _measure_throughputs(*, quick: bool) -> list[BenchmarkResult]:
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        benchmark = _start_benchmark(environment, stack, quick=quick)
        tenants, events = benchmark.tenants, benchmark.events
        return [
            benchmark.measure_throughput(
                f"created events, {_TENANT_COUNT} restaurants",
                0.90,
                lambda _: ([], build_creation_requests(tenants, events)),
            ),
            benchmark.measure_throughput(
                "created events, one restaurant",
                0.90,
                lambda _: ([], build_creation_requests(tenants[:1], events)),
            ),
            benchmark.measure_throughput(
                "mixed traffic: 60 / 25 / 10 / 5",
                0.65,
                lambda number: build_mixed_requests(tenants, events, number),
            ),
        ]


def _start_benchmark(
    environment: BenchmarkEnvironment, stack: ExitStack, *, quick: bool
) -> WebhookBenchmark:
    tenants = environment.seed_tenants(_TENANT_COUNT)
    generator = stack.enter_context(start_load_generator())

    def serve_warm(target: str, source: Path = MAIN_FILE, **more: str) -> FunctionServer:
        variables = environment.build_variables(**more)
        server = stack.enter_context(serve_function(target, variables, source=source))
        warm_up = build_creation_requests(tenants, _WARM_UP_REQUESTS)
        _send_closed_loop(generator, server, warm_up)
        return server

    product_server = serve_warm("opentable_webhook")
    path = asyncio.run(find_document_path(environment, tenants[0]))
    sample = {baseline.SAMPLE_DOCUMENT_VARIABLE: path}
    baseline_server = serve_warm("commit_two", Path(baseline.__file__), **sample)
    rounds, events = (_QUICK_ROUNDS, _QUICK_EVENTS) if quick else (_ROUNDS, _EVENTS)
    return WebhookBenchmark(baseline_server, product_server, generator, tenants, rounds, events)


def _send_closed_loop(
    generator: LoadGenerator, server: FunctionServer, requests: Sequence[bytes]
) -> LoadResult:
    return generator.start(send_closed_loop, server.port, requests, _CONNECTIONS).result()


async def find_document_path(environment: BenchmarkEnvironment, tenant: Tenant) -> str:
    """Return the path of a stored reservation."""
    reservations = environment.create_client().collection("restaurants", tenant.id, "reservations")
    snapshots = [each async for each in reservations.limit(1).stream()]
    return str(snapshots[0].reference.path)
