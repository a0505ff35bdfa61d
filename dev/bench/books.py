"""Whole books: the poll and the reconciliation against plain reads and writes, and their growth."""

from collections.abc import Iterator, Sequence

from dev.bench.arithmetic import MeasurementPair, fit_growth_exponent
from dev.bench.events import Tenant
from dev.bench.figures import BenchmarkResult, build_ratio_result, require_at_least, require_at_most
from dev.bench.process import read_peak_memory_mib
from dev.bench.shop import (
    ScheduledFunctions,
    measure_seconds,
    require_counts,
    start_scheduled_functions,
)

_POLL_ROWS, _QUICK_POLL_ROWS = 10_000, 1_000
_WINDOW_ROWS, _QUICK_WINDOW_ROWS = (1_000, 10_000, 100_000), (500, 1_000, 2_000)
_ROUNDS = 3
_ROWS_PER_DIFFERENCE = 1_000
"""One row in so many differs: 0.1 %."""

GROWTH_PREFIX = "growth: "
"""Begins the names of the figures that the plot shows."""


def measure_polls(quick: bool) -> tuple[list[BenchmarkResult], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figures of the poll."""
    size = _QUICK_POLL_ROWS if quick else _POLL_ROWS
    with start_scheduled_functions(1) as (scheduled, (tenant,)):
        scheduled.update_opentable_rows(tenant, rows=size)
        require_counts(scheduled.poll(tenant), created=size)
        return [
            _measure_changed_rows(scheduled, tenant, size),
            _measure_unchanged_rows(scheduled, tenant, size),
            _count_poll_writes(scheduled, tenant),
        ], []


def _measure_changed_rows(
    scheduled: ScheduledFunctions, tenant: Tenant, size: int
) -> BenchmarkResult:
    def pair() -> MeasurementPair:
        scheduled.update_opentable_rows(tenant, every=1)
        product_seconds = measure_seconds(
            lambda: require_counts(scheduled.poll(tenant), updated=size)
        )
        return MeasurementPair(
            size / scheduled.run_baseline("write_plain", tenant), size / product_seconds
        )

    pairs = [pair() for _ in range(_ROUNDS)]
    return build_ratio_result(
        f"poll: {size:,} changed rows", "rows/s", require_at_least(0.50), pairs
    )


def _measure_unchanged_rows(
    scheduled: ScheduledFunctions, tenant: Tenant, size: int
) -> BenchmarkResult:
    def pair() -> MeasurementPair:
        baseline_seconds = scheduled.run_baseline("get_all", tenant)
        product_seconds = measure_seconds(
            lambda: require_counts(scheduled.poll(tenant), unchanged=size)
        )
        return MeasurementPair(size / baseline_seconds, size / product_seconds)

    pairs = [pair() for _ in range(_ROUNDS)]
    return build_ratio_result(
        f"poll: {size:,} rows already held", "rows/s", require_at_least(0.70), pairs
    )


def _count_poll_writes(scheduled: ScheduledFunctions, tenant: Tenant) -> BenchmarkResult:
    scheduled.proxy.take_traffic()
    scheduled.poll(tenant, count_calls=True)
    writes_by_collection = scheduled.proxy.take_traffic().writes_by_collection
    ledger_writes = writes_by_collection.total() - writes_by_collection["integrations"]
    return BenchmarkResult(
        "… documents written, run state apart",
        ledger_writes,
        require_at_most(0),
        ledger_writes,
        "",
        detail=dict(writes_by_collection),
    )


def measure_reconciliations(quick: bool) -> tuple[list[BenchmarkResult], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figures of the reconciliation, and of how both runs grow."""
    sizes = _QUICK_WINDOW_ROWS if quick else _WINDOW_ROWS
    with start_scheduled_functions(len(sizes)) as (scheduled, tenants):
        return list(_measure_windows(scheduled, tenants, sizes)), []


def _measure_windows(
    scheduled: ScheduledFunctions, tenants: Sequence[Tenant], sizes: Sequence[int]
) -> Iterator[BenchmarkResult]:
    first_poll_seconds, pairs = [], []
    for tenant, size in zip(tenants, sizes, strict=True):
        scheduled.update_opentable_rows(tenant, rows=size)
        first_poll_seconds.append(
            measure_seconds(
                lambda: require_counts(scheduled.poll(tenant), created=size)  # noqa: B023 -- at once
            )
        )
        pairs.append([_measure_window(scheduled, tenant, size) for _ in range(_ROUNDS)])
    name = f"reconciliation: {sizes[-1]:,} rows, 0.1 % different"
    yield build_ratio_result(name, "rows/s", require_at_least(0.60), pairs[-1])
    peak = read_peak_memory_mib(scheduled.functions["opentable_reconcile"].process.pid)
    yield BenchmarkResult("… peak memory of its process", peak, require_at_most(300), peak, "MiB")
    yield _count_extra_writes(scheduled, tenants[0], sizes[0])
    repeat_seconds = [
        min(size / each.product for each in p) for size, p in zip(sizes, pairs, strict=True)
    ]
    yield _measure_growth("first poll", sizes, first_poll_seconds)
    yield _measure_growth("reconciliation", sizes, repeat_seconds)


def _measure_window(scheduled: ScheduledFunctions, tenant: Tenant, size: int) -> MeasurementPair:
    scheduled.update_opentable_rows(tenant, every=_ROWS_PER_DIFFERENCE)
    baseline_seconds = scheduled.run_baseline("stream", tenant)
    product_seconds = scheduled.seconds_to_reconcile(
        tenant, updated=-(-size // _ROWS_PER_DIFFERENCE)
    )
    return MeasurementPair(size / baseline_seconds, size / product_seconds)


def _count_extra_writes(
    scheduled: ScheduledFunctions, tenant: Tenant, size: int
) -> BenchmarkResult:
    """Count what a reconciliation writes beyond its corrections, each a document and its entry."""
    scheduled.update_opentable_rows(tenant, every=_ROWS_PER_DIFFERENCE)
    scheduled.proxy.take_traffic()
    scheduled.reconcile(tenant, count_calls=True)
    writes_by_collection = scheduled.proxy.take_traffic().writes_by_collection
    extra_writes = (
        writes_by_collection["reservations"]
        - -(-size // _ROWS_PER_DIFFERENCE)
        + writes_by_collection["reconciliationReports"]
        - 1
    )
    return BenchmarkResult(
        "… reservations and reports written beyond differences + report",
        extra_writes,
        require_at_most(0),
        extra_writes,
        "",
        detail=dict(writes_by_collection),
    )


def _measure_growth(name: str, sizes: Sequence[int], seconds: Sequence[float]) -> BenchmarkResult:
    growth_exponent = fit_growth_exponent(sizes, seconds)
    detail = {"sizes": list(sizes), "seconds": [round(each, 3) for each in seconds]}
    return BenchmarkResult(
        f"{GROWTH_PREFIX}{name}, exponent",
        growth_exponent,
        require_at_most(1.05),
        growth_exponent,
        "",
        detail=detail,
    )
