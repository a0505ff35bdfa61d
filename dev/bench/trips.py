"""Round trips, and documents read and written, of one event of each kind: counted on the wire."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import requests

from dev.bench.events import (
    Tenant,
    build_cancelled_envelope,
    build_created_envelope,
    build_signature_headers,
    build_updated_envelope,
)
from dev.bench.figures import BenchmarkResult, require_at_most
from dev.bench.price import compute_dollars_per_million
from dev.bench.stage import BenchmarkEnvironment, seed_tenants, start_benchmark_environment
from dev.bench.wire import CountingProxy, FirestoreTraffic, start_counting_proxy
from dev.serving import FunctionServer, serve_function

_TIMEOUT_SECONDS = 30
ROUND_TRIP_TABLE_HEADER = (
    "| event | round trips | read | written | one region | nam5 |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class EventCost:
    """What one kind of event costs.

    Attributes:
        name: The kind.
        outcome: What it was answered.
        traffic: What went over the wire for it.
        max_round_trips: How many round trips the contract allows.
    """

    name: str
    outcome: str
    traffic: FirestoreTraffic
    max_round_trips: int

    def to_table_row(self) -> str:
        """Return it as a row of the table, with what a million of it cost."""
        read, written = self.traffic.documents_read, self.traffic.documents_written
        one_region, nam5 = compute_dollars_per_million(read, written)
        round_trips = len(self.traffic.calls)
        counts = f"{round_trips} | {read} | {written}"
        return f"| {self.name} | {counts} | ${one_region:.2f} | ${nam5:.2f} |"


def measure_round_trips(_quick: bool) -> tuple[list[BenchmarkResult], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the most round trips of a created envelope and of all else, and the table."""
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        proxy = stack.enter_context(start_counting_proxy(environment.host))
        costs = list(_measure_events(environment, proxy, stack))
    created_cost, *other_costs = costs
    figures = [
        _build_result("round trips, created envelope", [created_cost]),
        _build_result("round trips, any other event, the most", other_costs),
    ]
    return figures, [*ROUND_TRIP_TABLE_HEADER, *(cost.to_table_row() for cost in costs)]


def _build_result(name: str, costs: list[EventCost]) -> BenchmarkResult:
    max_round_trips = max(len(cost.traffic.calls) for cost in costs)
    cost_details = {
        cost.name: {"calls": cost.traffic.calls, "answer": cost.outcome} for cost in costs
    }
    return BenchmarkResult(
        name,
        max_round_trips,
        require_at_most(costs[0].max_round_trips),
        max_round_trips,
        "",
        detail={"kinds": cost_details},
    )


def _measure_events(
    environment: BenchmarkEnvironment, proxy: CountingProxy, stack: ExitStack
) -> Iterator[EventCost]:
    tenant = environment.build_tenants(1)[0]
    asyncio.run(seed_tenants(environment.create_client(), [tenant]))
    # No call to OpenTable: guests and hints are fetched after the commit, and counted apart.
    disabled_budgets = {"HINT_BUDGET_SECONDS": "0", "GUEST_BUDGET_SECONDS": "0"}
    variables = environment.build_variables(**disabled_budgets) | {
        "FIRESTORE_EMULATOR_HOST": proxy.host
    }

    def start() -> Callable[[str, Mapping[str, Any], int], EventCost]:
        function = stack.enter_context(serve_function("opentable_webhook", variables, _ignore_line))
        # Once in either format: settings, routes and secrets are cached from now on.
        _post_event(function, tenant, build_created_envelope(tenant))
        _post_event(
            function, tenant, _build_opentable_object(tenant, 1) | {"id": f"{tenant.rid}-warm"}
        )
        proxy.take_traffic()
        return lambda name, body, most: _measure_event(proxy, function, tenant, name, body, most)

    first_instance, second_instance = start(), start()
    created_envelope = build_created_envelope(tenant)
    yield first_instance("envelope, created", created_envelope, 1)
    yield first_instance("… again, at the same instance", created_envelope, 2)
    yield second_instance("… again, at another instance", created_envelope, 2)
    patch = build_updated_envelope(created_envelope)
    yield first_instance("envelope, updated", patch, 2)
    yield first_instance("… again", patch, 2)
    yield first_instance("envelope, cancelled", build_cancelled_envelope(created_envelope), 2)
    yield first_instance(
        "envelope, updated, before its creation",
        build_updated_envelope(build_created_envelope(tenant)),
        2,
    )
    first_object, second_object, third_object = (
        _build_opentable_object(tenant, sequence) for sequence in (1, 2, 3)
    )
    yield first_instance("OpenTable's object, first", first_object, 2)
    yield first_instance("… changed", third_object | {"party_size": 6}, 2)
    yield first_instance("… again", third_object | {"party_size": 6}, 2)
    yield first_instance("… older, late", second_object, 2)
    yield first_instance(
        "… newer, nothing said that is new",
        _build_opentable_object(tenant, 4) | {"party_size": 6},
        2,
    )
    envelope_after_object = build_created_envelope(tenant)
    envelope_after_object["data"] |= {"reservationId": f"{tenant.rid}-spoken"}
    yield first_instance("envelope, created, where OpenTable spoke here", envelope_after_object, 2)
    envelope_after_other_instance = build_created_envelope(tenant)
    second_instance("", _build_opentable_object(tenant, 1) | {"id": f"{tenant.rid}-unseen"}, 2)
    envelope_after_other_instance["data"] |= {"reservationId": f"{tenant.rid}-unseen"}
    yield first_instance(
        "envelope, created, where OpenTable spoke elsewhere", envelope_after_other_instance, 2
    )


def _build_opentable_object(tenant: Tenant, sequence: int) -> dict[str, Any]:
    return {
        "id": f"{tenant.rid}-spoken",
        "rid": int(tenant.rid),
        "sequence_id": sequence,
        "state": "Confirmed",
        "party_size": 4,
        "scheduled_time": "2026-03-14T19:15:00",
        "scheduled_time_utc": "2026-03-14T23:15:00Z",
        "updated_at_utc": f"2026-03-09T12:00:{sequence:02}Z",
    }


def _measure_event(  # noqa: PLR0913, PLR0917 -- each is a different thing, and one call site
    proxy: CountingProxy,
    function: FunctionServer,
    tenant: Tenant,
    name: str,
    body: Mapping[str, Any],
    max_round_trips: int,
) -> EventCost:
    proxy.take_traffic()
    outcome = _post_event(function, tenant, body)
    return EventCost(name, outcome, proxy.take_traffic(), max_round_trips)


def _post_event(function: FunctionServer, tenant: Tenant, body: Mapping[str, Any]) -> str:
    raw = json.dumps(body).encode()
    headers = {"content-type": "application/json", **build_signature_headers(tenant, raw)}
    response = requests.post(function.url, data=raw, headers=headers, timeout=_TIMEOUT_SECONDS)
    return str(response.json()["status"])


def _ignore_line(_line: str) -> None:
    """Drop what a function logs."""
