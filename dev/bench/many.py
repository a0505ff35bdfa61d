"""A thousand restaurants polled in one run, with an OpenTable that takes its time."""

import asyncio
from contextlib import ExitStack

from dev.bench.arithmetic import MeasurementPair
from dev.bench.figures import BenchmarkResult, build_ratio_result, require_at_most
from dev.bench.shop import call_served_function, measure_seconds, serve_fake_opentable
from dev.bench.stage import seed_tenants, start_benchmark_environment
from dev.serving import FunctionServer, serve_function
from shared.edge.environment import read_environment

_RESTAURANTS, _QUICK_RESTAURANTS = 1_000, 100
_LATENCY_SECONDS = 0.2
_API_CALLS_PER_RESTAURANT = 2
"""Calls to OpenTable for a restaurant where nothing changed: its guests and its reservations."""
_ROUNDS = 2


def measure_many_restaurants(quick: bool) -> tuple[list[BenchmarkResult], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figure of many restaurants in one run, without a queue."""
    count = _QUICK_RESTAURANTS if quick else _RESTAURANTS
    max_concurrent = read_environment({}).max_concurrent_restaurants
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable(_LATENCY_SECONDS))
        asyncio.run(seed_tenants(environment.create_client(), environment.build_tenants(count)))
        addresses = {"OPENTABLE_API_URL": url, "OPENTABLE_OAUTH_URL": url}
        variables = environment.build_variables(**addresses, FAN_OUT_ABOVE=str(count))
        function = stack.enter_context(
            serve_function("opentable_poll", variables, lambda _line: None)
        )
        _poll_all(function, count)  # has each restaurant's cursor set: the first poll asks for more
        baseline_seconds = _LATENCY_SECONDS * _API_CALLS_PER_RESTAURANT * count / max_concurrent
        pairs = [
            MeasurementPair(baseline_seconds, measure_seconds(lambda: _poll_all(function, count)))
            for _ in range(_ROUNDS)
        ]
    name = f"poll of {count:,} restaurants, {_LATENCY_SECONDS * 1000:.0f} ms API latency"
    return [
        build_ratio_result(
            name,
            "s",
            require_at_most(1.30),
            pairs,
            atOnce=max_concurrent,
            calls=_API_CALLS_PER_RESTAURANT,
        )
    ], []


def _poll_all(function: FunctionServer, count: int) -> None:
    response = call_served_function(function, {})
    if response["restaurants"] != count or any(
        each["status"] != "ok" for each in response["results"]
    ):
        raise RuntimeError(f"Not every restaurant was polled: {str(response)[:500]}")
