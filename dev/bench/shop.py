"""The scheduled functions, the floors beside them, and the OpenTable that they ask."""

import asyncio
import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from dev.bench import floor
from dev.bench.events import Tenant
from dev.bench.stage import seed_tenants, start_benchmark_environment
from dev.bench.wire import CountingProxy, start_counting_proxy
from dev.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from dev.serving import FunctionServer, serve_function

_TIMEOUT_SECONDS = 3_000
_START_TIMEOUT_SECONDS = 60
_BASELINES = ("write_plain", "get_all", "stream")
_FUNCTIONS = ("opentable_poll", "opentable_reconcile")


@dataclass(frozen=True, slots=True)
class ScheduledFunctions:
    """What polls and reconciliations are measured with.

    Attributes:
        opentable_url: The address of OpenTable.
        functions: The scheduled functions and the floors, by name.
        counted_functions: The scheduled functions again, whose calls to Firestore are counted.
        proxy: Where they are counted.
        durations: Milliseconds of each reconciliation that was not counted, from its log line.
    """

    opentable_url: str
    functions: dict[str, FunctionServer]
    counted_functions: dict[str, FunctionServer]
    proxy: CountingProxy
    durations: queue.SimpleQueue[float]

    def update_opentable_rows(self, tenant: Tenant, **query: int) -> None:
        """Fill or change a restaurant's book at OpenTable."""
        url = f"{self.opentable_url}/_book/{tenant.rid}"
        requests.post(url, params=query, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def poll(self, tenant: Tenant, *, count_calls: bool = False) -> dict[str, Any]:
        """Poll a restaurant; return its part of the answer."""
        function = (self.counted_functions if count_calls else self.functions)["opentable_poll"]
        return dict(call_served_function(function, {"restaurantId": tenant.id})["results"][0])

    def reconcile(self, tenant: Tenant, *, count_calls: bool = False) -> dict[str, Any]:
        """Reconcile all days of a restaurant's book; return its part of the answer."""
        function = (self.counted_functions if count_calls else self.functions)[
            "opentable_reconcile"
        ]
        today = datetime.now(UTC).date()
        days = {"startDate": today - timedelta(days=40), "endDate": today + timedelta(days=60)}
        window = {name: day.isoformat() for name, day in days.items()}
        return dict(
            call_served_function(function, {"restaurantId": tenant.id, **window})["reports"][0]
        )

    def seconds_to_reconcile(self, tenant: Tenant, **counts: int) -> float:
        """Return how long a reconciliation took, by its own measure, until its report was made.

        What the emulator alone needs then is left out: the sweep that stands in for Firestore's
        own deletion of what has expired.

        Args:
            tenant: The restaurant.
            counts: What its report must count.
        """
        require_counts(self.reconcile(tenant), **counts)
        return self.durations.get(timeout=_START_TIMEOUT_SECONDS) / 1000

    def run_baseline(self, target: str, tenant: Tenant) -> float:
        """Return the seconds that a floor takes."""
        return float(
            call_served_function(self.functions[target], {"restaurantId": tenant.id})["seconds"]
        )


def call_served_function(function: FunctionServer, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a function answers."""
    response = requests.post(function.url, json=body, timeout=_TIMEOUT_SECONDS)
    response.raise_for_status()
    return dict(response.json())


def measure_seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def require_counts(response: dict[str, Any], **counts: int) -> None:
    """Fail where a run did something else than it was set up to do.

    Raises:
        RuntimeError: When one of the counts is another.
    """
    actual = {name: response.get(name) for name in counts}
    if actual != counts:
        raise RuntimeError(f"Expected {counts}, and got {response}: the bench measured nothing.")


@contextmanager
def serve_fake_opentable(latency_seconds: float = 0.0) -> Iterator[str]:
    """Serve an OpenTable for the length of a `with` block; yield its address."""
    port = find_free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "dev.bench.opentable", "--port", str(port)]
    with run_process([*command, "--latency", str(latency_seconds)], print) as child:
        wait_until_reachable(f"{url}/token", _START_TIMEOUT_SECONDS, child)
        yield url


@contextmanager
def start_scheduled_functions(
    tenant_count: int,
) -> Iterator[tuple[ScheduledFunctions, list[Tenant]]]:
    """Keep a shop, and some restaurants without a book, for the length of a `with` block."""
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        proxy = stack.enter_context(start_counting_proxy(environment.host))
        tenants = environment.build_tenants(tenant_count)
        asyncio.run(seed_tenants(environment.create_client(), tenants))
        budget = {"RUN_BUDGET_SECONDS": str(_TIMEOUT_SECONDS)}
        direct_variables = environment.build_variables(
            OPENTABLE_API_URL=url, OPENTABLE_OAUTH_URL=url, **budget
        )
        proxied_variables = direct_variables | {"FIRESTORE_EMULATOR_HOST": proxy.host}

        durations = queue.SimpleQueue[float]()

        def note(line: str) -> None:
            if '"event": "reconciliation"' in line:
                durations.put(json.loads(line)["durationMs"])

        def serve(target: str, variables: dict[str, str], **more: Path) -> FunctionServer:
            on_line = note if variables is direct_variables else _ignore_line
            return stack.enter_context(serve_function(target, variables, on_line, **more))

        functions = {name: serve(name, direct_variables) for name in _FUNCTIONS}
        functions |= {
            name: serve(name, direct_variables, source=Path(floor.__file__)) for name in _BASELINES
        }
        counted_functions = {name: serve(name, proxied_variables) for name in _FUNCTIONS}
        yield ScheduledFunctions(url, functions, counted_functions, proxy, durations), tenants


def _ignore_line(_line: str) -> None:
    """Drop what a function logs."""
