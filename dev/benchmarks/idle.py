"""Measure a quiet restaurant: its cost by counted operations, and the assumed durations."""

import asyncio
from contextlib import ExitStack
from functools import partial

from dev.benchmarks.environment import seed_tenants, start_benchmark_environment
from dev.benchmarks.poll_and_reconcile import (
    call_served_function,
    measure_seconds,
    serve_fake_opentable,
    set_api_latency,
)
from dev.benchmarks.results import BenchmarkResult, require_at_most
from dev.docs.capacity import (
    MAX_IDLE_DOLLARS,
    POLL_SECONDS,
    RECONCILIATION_SECONDS,
    compute_idle_dollars,
)
from dev.local.processes import serve_function

_LATENCY_SECONDS = 0.2
_ROUNDS, _QUICK_ROUNDS = 20, 5
_ASSUMED_SECONDS = {"opentable_poll": POLL_SECONDS, "opentable_reconcile": RECONCILIATION_SECONDS}


def measure_idle(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the monthly cost of a quiet restaurant, and how long its runs take."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    dollars = compute_idle_dollars()
    results = [
        BenchmarkResult(
            "quiet restaurant, $ per month", dollars, require_at_most(MAX_IDLE_DOLLARS), dollars, ""
        )
    ]
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        set_api_latency(url, _LATENCY_SECONDS)
        [tenant] = environment.build_tenants(1)
        asyncio.run(seed_tenants(environment.create_client(), [tenant]))
        variables = environment.build_variables(OPENTABLE_API_URL=url, OPENTABLE_OAUTH_URL=url)
        for name, assumed in _ASSUMED_SECONDS.items():
            function = stack.enter_context(serve_function(name, variables))
            call_served_function(function, {})
            seconds = min(
                measure_seconds(partial(call_served_function, function, {})) for _ in range(rounds)
            )
            title = f"… {name}, {_LATENCY_SECONDS * 1000:.0f} ms API latency"
            results.append(BenchmarkResult(title, seconds, require_at_most(assumed), seconds, "s"))
    return results, []
