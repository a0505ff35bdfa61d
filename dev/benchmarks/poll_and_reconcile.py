"""Measure polls and reconciliations against plain reads and writes, and how both grow."""

import json
import math
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from dev.benchmarks import baseline
from dev.benchmarks.environment import (
    call_served_function,
    measure_seconds,
    read_peak_memory_mib,
    serve_fake_opentable,
    start_benchmark_environment,
)
from dev.benchmarks.load_generator import Tenant
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    build_value_result,
    fit_growth_exponent,
    require_at_least,
    require_at_most,
)
from dev.benchmarks.round_trips import CountingProxy, start_counting_proxy
from dev.local.processes import FunctionServer, serve_function

_TIMEOUT_SECONDS = 3_000
_START_TIMEOUT_SECONDS = 60
_BASELINES = ("write_plain", "get_all", "stream")
_FUNCTIONS = ("opentable_poll", "opentable_reconcile")
_POLL_ROWS, _QUICK_POLL_ROWS = 10_000, 1_000
_WINDOW_ROWS, _QUICK_WINDOW_ROWS = (1_000, 10_000, 100_000), (500, 1_000, 2_000)
_ROUNDS = 3
_ROWS_PER_DIFFERENCE = 1_000  # 0.1 % of the rows differ
GROWTH_PREFIX = "growth: "  # begins the names of the figures that the plot shows


@dataclass(frozen=True, slots=True)
class ScheduledFunctions:
    """The served functions, baselines and fake OpenTable of these benchmarks.

    `counted_functions` are the same functions behind a proxy that counts their Firestore calls.
    `durations` are milliseconds of each uncounted reconciliation, from its log line.
    """

    opentable_url: str
    functions: dict[str, FunctionServer]
    counted_functions: dict[str, FunctionServer]
    proxy: CountingProxy
    durations: queue.SimpleQueue[float]

    def update_opentable_rows(self, tenant: Tenant, **query: int) -> None:
        """Create or change a restaurant's rows at OpenTable."""
        url = f"{self.opentable_url}/_book/{tenant.rid}"
        requests.post(url, params=query, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def poll(self, tenant: Tenant, *, count_calls: bool = False) -> dict[str, Any]:
        """Poll a restaurant; return its result."""
        functions = self.counted_functions if count_calls else self.functions
        response = call_served_function(functions["opentable_poll"], restaurantId=tenant.id)
        return dict(response["results"][0])

    def reconcile(self, tenant: Tenant, *, count_calls: bool = False) -> dict[str, Any]:
        """Reconcile all days of a restaurant; return its result."""
        functions = self.counted_functions if count_calls else self.functions
        today = datetime.now(UTC).date()
        response = call_served_function(
            functions["opentable_reconcile"],
            restaurantId=tenant.id,
            startDate=(today - timedelta(days=40)).isoformat(),
            endDate=(today + timedelta(days=60)).isoformat(),
        )
        return dict(response["reports"][0])

    def seconds_to_reconcile(self, tenant: Tenant, **counts: int) -> float:
        """Return the duration of a reconciliation up to its report, as it logs it."""
        require_counts(self.reconcile(tenant), **counts)
        return self.durations.get(timeout=_START_TIMEOUT_SECONDS) / 1000

    def run_baseline(self, target: str, tenant: Tenant) -> float:
        """Return the seconds of a baseline."""
        response = call_served_function(self.functions[target], restaurantId=tenant.id)
        return float(response["seconds"])


def require_counts(response: dict[str, Any], **counts: int) -> None:
    """Fail if a run has other counts."""
    actual = {name: response.get(name) for name in counts}
    if actual != counts:
        raise RuntimeError(f"Expected {counts}, and got {response}: the bench measured nothing.")


@contextmanager
def start_scheduled_functions(
    tenant_count: int,
) -> Iterator[tuple[ScheduledFunctions, list[Tenant]]]:
    """Serve the scheduled functions for some empty restaurants during a `with` block."""
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        proxy = stack.enter_context(start_counting_proxy(environment.host))
        tenants = environment.seed_tenants(tenant_count)
        direct_variables = environment.build_variables(
            url, RUN_BUDGET_SECONDS=str(_TIMEOUT_SECONDS)
        )
        proxied_variables = direct_variables | {"FIRESTORE_EMULATOR_HOST": proxy.host}

        durations = queue.SimpleQueue[float]()

        def note(line: str) -> None:
            if '"event": "reconciliation"' in line:
                durations.put(json.loads(line)["durationMs"])

        def serve(target: str, variables: dict[str, str], **more: Path) -> FunctionServer:
            on_line = note if variables is direct_variables else (lambda _line: None)
            return stack.enter_context(serve_function(target, variables, on_line, **more))

        functions = {name: serve(name, direct_variables) for name in _FUNCTIONS}
        functions |= {
            name: serve(name, direct_variables, source=Path(baseline.__file__))
            for name in _BASELINES
        }
        counted_functions = {name: serve(name, proxied_variables) for name in _FUNCTIONS}
        yield ScheduledFunctions(url, functions, counted_functions, proxy, durations), tenants


def measure_polls(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figures of the poll."""
    size = _QUICK_POLL_ROWS if quick else _POLL_ROWS
    with start_scheduled_functions(1) as (scheduled, (tenant,)):
        scheduled.update_opentable_rows(tenant, rows=size)
        require_counts(scheduled.poll(tenant), created=size)
        changed, stored = [], []
        for _ in range(_ROUNDS):
            scheduled.update_opentable_rows(tenant, every=1)
            product_seconds = measure_seconds(
                lambda: require_counts(scheduled.poll(tenant), updated=size)
            )
            baseline_seconds = scheduled.run_baseline("write_plain", tenant)
            changed.append(MeasurementPair(size / baseline_seconds, size / product_seconds))
        for _ in range(_ROUNDS):
            baseline_seconds = scheduled.run_baseline("get_all", tenant)
            product_seconds = measure_seconds(
                lambda: require_counts(scheduled.poll(tenant), unchanged=size)
            )
            stored.append(MeasurementPair(size / baseline_seconds, size / product_seconds))
        scheduled.proxy.take_traffic()
        scheduled.poll(tenant, count_calls=True)
        writes = scheduled.proxy.take_traffic().writes_by_collection
    name, ledger_writes = f"poll: {size:,}", writes.total() - writes["integrations"]
    written = "… documents written, without run state"
    return [
        build_ratio_result(f"{name} changed rows", "rows/s", require_at_least(0.50), changed),
        build_ratio_result(f"{name} stored rows", "rows/s", require_at_least(0.70), stored),
        build_value_result(written, "", require_at_most(0), ledger_writes, **writes),
    ], []


def measure_reconciliations(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figures of the reconciliation, and of how both runs grow."""
    sizes = _QUICK_WINDOW_ROWS if quick else _WINDOW_ROWS
    first_poll_seconds, pairs = [], []
    with start_scheduled_functions(len(sizes)) as (scheduled, tenants):
        for tenant, size in zip(tenants, sizes, strict=True):
            scheduled.update_opentable_rows(tenant, rows=size)
            started = time.perf_counter()
            require_counts(scheduled.poll(tenant), created=size)
            first_poll_seconds.append(time.perf_counter() - started)
            pairs.append([_measure_window(scheduled, tenant, size) for _ in range(_ROUNDS)])
        peak = read_peak_memory_mib(scheduled.functions["opentable_reconcile"].process.pid)
        extra_writes = _count_extra_writes(scheduled, tenants[0], sizes[0])
    repeat_seconds = [
        min(size / each.product for each in p) for size, p in zip(sizes, pairs, strict=True)
    ]
    name = f"reconciliation: {sizes[-1]:,} rows, 0.1 % different"
    return [
        build_ratio_result(name, "rows/s", require_at_least(0.60), pairs[-1]),
        build_value_result("… peak memory of its process", "MiB", require_at_most(300), peak),
        extra_writes,
        _measure_growth("first poll", sizes, first_poll_seconds),
        _measure_growth("reconciliation", sizes, repeat_seconds),
    ], []


def _measure_window(scheduled: ScheduledFunctions, tenant: Tenant, size: int) -> MeasurementPair:
    scheduled.update_opentable_rows(tenant, every=_ROWS_PER_DIFFERENCE)
    baseline_seconds = scheduled.run_baseline("stream", tenant)
    corrections = math.ceil(size / _ROWS_PER_DIFFERENCE)
    product_seconds = scheduled.seconds_to_reconcile(tenant, updated=corrections)
    return MeasurementPair(size / baseline_seconds, size / product_seconds)


def _count_extra_writes(
    scheduled: ScheduledFunctions, tenant: Tenant, size: int
) -> BenchmarkResult:
    """Count a reconciliation's writes beyond its corrections (a document and an entry each)."""
    scheduled.update_opentable_rows(tenant, every=_ROWS_PER_DIFFERENCE)
    scheduled.proxy.take_traffic()
    scheduled.reconcile(tenant, count_calls=True)
    writes = scheduled.proxy.take_traffic().writes_by_collection
    corrections = math.ceil(size / _ROWS_PER_DIFFERENCE)
    extra_writes = writes["reservations"] - corrections + writes["reconciliationReports"] - 1
    name = "… other reservations and reports written"
    return build_value_result(name, "", require_at_most(0), extra_writes, **writes)


def _measure_growth(name: str, sizes: Sequence[int], seconds: Sequence[float]) -> BenchmarkResult:
    return build_value_result(
        f"{GROWTH_PREFIX}{name}, exponent",
        "",
        require_at_most(1.05),
        fit_growth_exponent(sizes, seconds),
        sizes=list(sizes),
        seconds=[round(each, 3) for each in seconds],
    )
