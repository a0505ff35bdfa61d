"""Measure runs while each call of OpenTable's API takes 0.2 seconds.

One run polls many restaurants. Runs of a quiet restaurant are compared with the durations that
docs/scale.md assumes, and its cost with a limit.
"""

from contextlib import ExitStack
from functools import partial

from dev.benchmarks.environment import (
    call_served_function,
    measure_seconds,
    serve_fake_opentable,
    set_api_latency,
    start_benchmark_environment,
)
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    build_value_result,
    require_at_most,
)
from dev.docs.capacity import (
    MAX_IDLE_DOLLARS,
    POLL_SECONDS,
    RECONCILIATION_SECONDS,
    compute_idle_dollars,
)
from dev.local.processes import FunctionServer, serve_function

_RESTAURANTS, _QUICK_RESTAURANTS = 1_000, 100
_LATENCY_SECONDS = 0.2
_API_CALLS_PER_RESTAURANT = 2  # if nothing changed: its guests and its reservations
_MANY_RESTAURANTS_ROUNDS = 2
_MAX_CONCURRENT = 16  # as in earlier measurements; the default is higher
_IDLE_ROUNDS, _QUICK_IDLE_ROUNDS = 20, 5
_ASSUMED_SECONDS = {"opentable_poll": POLL_SECONDS, "opentable_reconcile": RECONCILIATION_SECONDS}


def measure_many_restaurants(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figure of many restaurants in one run, without a queue."""
    count = _QUICK_RESTAURANTS if quick else _RESTAURANTS
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        environment.seed_tenants(count)
        variables = environment.build_variables(
            url, FAN_OUT_ABOVE=str(count), RESTAURANTS_AT_ONCE=str(_MAX_CONCURRENT)
        )
        function = stack.enter_context(serve_function("opentable_poll", variables))
        _poll_all(function, count)  # has each restaurant's cursor set: the first poll asks for more
        set_api_latency(url, _LATENCY_SECONDS)
        baseline_seconds = _LATENCY_SECONDS * _API_CALLS_PER_RESTAURANT * count / _MAX_CONCURRENT
        pairs = [
            MeasurementPair(baseline_seconds, measure_seconds(lambda: _poll_all(function, count)))
            for _ in range(_MANY_RESTAURANTS_ROUNDS)
        ]
    name = f"poll of {count:,} restaurants, {_LATENCY_SECONDS * 1000:.0f} ms API latency"
    detail = {"atOnce": _MAX_CONCURRENT, "calls": _API_CALLS_PER_RESTAURANT}
    return [build_ratio_result(name, "s", require_at_most(1.30), pairs, **detail)], []


def _poll_all(function: FunctionServer, count: int) -> None:
    response = call_served_function(function)
    is_complete = all(each["status"] == "ok" for each in response["results"])
    if response["restaurants"] != count or not is_complete:
        raise RuntimeError(f"Not every restaurant was polled: {str(response)[:500]}")


def measure_idle(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the monthly cost of a quiet restaurant, and how long its runs take."""
    rounds = _QUICK_IDLE_ROUNDS if quick else _IDLE_ROUNDS
    limit = require_at_most(MAX_IDLE_DOLLARS)
    cost = build_value_result("quiet restaurant, $ per month", "", limit, compute_idle_dollars())
    results = [cost]
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        set_api_latency(url, _LATENCY_SECONDS)
        environment.seed_tenants(1)
        variables = environment.build_variables(url)
        for name, assumed in _ASSUMED_SECONDS.items():
            function = stack.enter_context(serve_function(name, variables))
            call_served_function(function)
            call = partial(call_served_function, function)
            seconds = min(measure_seconds(call) for _ in range(rounds))
            title = f"… {name}, {_LATENCY_SECONDS * 1000:.0f} ms API latency"
            results.append(build_value_result(title, "s", require_at_most(assumed), seconds))
    return results, []
