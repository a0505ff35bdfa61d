"""A thousand restaurants polled in one run, with an OpenTable that takes its time."""

import asyncio
from contextlib import ExitStack

from dev.bench.arithmetic import Pair
from dev.bench.figures import Figure, at_most, ratio_figure
from dev.bench.shop import asking, post, seconds_of
from dev.bench.stage import seed, staged
from dev.serving import Serving, serving
from shared.edge.environment import read_environment

_RESTAURANTS, _QUICK_RESTAURANTS = 1_000, 100
_LATENCY_SECONDS = 0.2
_CALLS = 2
"""Calls to OpenTable for a restaurant where nothing changed: its guests and its reservations."""
_ROUNDS = 2


def measure(quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figure of many restaurants in one run, without a queue."""
    count = _QUICK_RESTAURANTS if quick else _RESTAURANTS
    at_once = read_environment({}).restaurants_at_once
    with ExitStack() as kept:
        stage = kept.enter_context(staged())
        url = kept.enter_context(asking(_LATENCY_SECONDS))
        asyncio.run(seed(stage.client(), stage.houses(count)))
        addresses = {"OPENTABLE_API_URL": url, "OPENTABLE_OAUTH_URL": url}
        variables = stage.variables(**addresses, FAN_OUT_ABOVE=str(count))
        function = kept.enter_context(serving("opentable_poll", variables, lambda _line: None))
        _poll_all(function, count)  # has each restaurant's cursor set: the first poll asks for more
        best = _LATENCY_SECONDS * _CALLS * count / at_once
        pairs = [Pair(best, seconds_of(lambda: _poll_all(function, count))) for _ in range(_ROUNDS)]
    name = f"poll of {count:,} restaurants, {_LATENCY_SECONDS * 1000:.0f} ms API latency"
    return [ratio_figure(name, "s", at_most(1.30), pairs, atOnce=at_once, calls=_CALLS)], []


def _poll_all(function: Serving, count: int) -> None:
    answer = post(function, {})
    if answer["restaurants"] != count or any(each["status"] != "ok" for each in answer["results"]):
        raise RuntimeError(f"Not every restaurant was polled: {str(answer)[:500]}")
