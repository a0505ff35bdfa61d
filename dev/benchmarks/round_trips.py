"""Count round trips and documents of one event of each kind, and compute their price.

A proxy between a served function and the emulator counts on the wire. Prices are Firestore's list
prices, Standard edition, without storage and free quota, November 2026.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped] # it has none
import requests
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    RunQueryResponse,
)
from typing_extensions import override

from dev.benchmarks.environment import (
    BenchmarkEnvironment,
    start_benchmark_environment,
)
from dev.benchmarks.load_generator import (
    Tenant,
    build_cancelled_envelope,
    build_created_envelope,
    build_signature_headers,
    build_updated_envelope,
)
from dev.benchmarks.results import BenchmarkResult, require_at_most
from dev.local.processes import LOOPBACK, FunctionServer, serve_function

_MAX_THREADS = 32

# An instance reads it every few seconds for all its restaurants, whatever an event does.
_RECENT_CHANGES_PATH = "/documents/openTableChanges/recent"
_CALL_HEADERS = {"authorization", "google-cloud-resource-prefix", "x-goog-request-params"}
_UNLIMITED_MESSAGE_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]
_TIMEOUT_SECONDS = 30

# Dollars for 100,000 operations.
_READ_DOLLARS = {"one region": 0.03, "nam5": 0.06}
_WRITE_DOLLARS = {"one region": 0.09, "nam5": 0.18}
_DELETE_DOLLARS = {"one region": 0.01, "nam5": 0.02}
_OPERATIONS_PER_PRICE = 100_000
_MILLION = 1_000_000

ROUND_TRIP_TABLE_HEADER = (
    "| event | round trips | read | written | one region | nam5 |",
    "|---|---|---|---|---|---|",
)


@dataclass(slots=True)
class FirestoreTraffic:
    """The observed Firestore traffic without the reads of the recent changes.

    Reads of missing documents count, because they are billed.
    """

    calls: list[str] = field(default_factory=list)
    documents_read: int = 0
    writes_by_collection: Counter[str] = field(default_factory=Counter)

    @property
    def documents_written(self) -> int:
        """How many documents were written."""
        return self.writes_by_collection.total()

    def record_response(self, method: str, message: bytes, request: bytes) -> None:
        """Count a response; a failed call has written nothing."""
        if method == "Commit":
            writes = CommitRequest.pb().FromString(request).writes
            self.writes_by_collection.update(
                (each.update.name or each.delete).split("/")[-2] for each in writes
            )
        elif method == "BatchGetDocuments":
            response = BatchGetDocumentsResponse.pb().FromString(message)
            self.documents_read += response.WhichOneof("result") is not None
        elif method == "RunQuery":
            self.documents_read += RunQueryResponse.pb().FromString(message).HasField("document")


class _CountingHandler(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Forward every call as bytes: on the wire, all calls are streams."""

    def __init__(self, host: str, traffic: FirestoreTraffic) -> None:
        self._channel = grpc.insecure_channel(host, _UNLIMITED_MESSAGE_OPTIONS)
        self._traffic = traffic

    @override
    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method

        def forward(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            name = path.rpartition("/")[2]
            # The other headers belong to the connection.
            metadata = [pair for pair in context.invocation_metadata() if pair[0] in _CALL_HEADERS]
            request = next(requests)  # the product sends a single request per call
            is_counted = not _reads_recent_changes(name, request)
            if is_counted:
                self._traffic.calls.append(name)
            call = self._channel.stream_stream(path)
            try:
                for response in call(iter([request]), metadata=metadata):
                    if is_counted:
                        self._traffic.record_response(name, response, request)
                    yield response
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(forward)


def _reads_recent_changes(method: str, request: bytes) -> bool:
    if method != "BatchGetDocuments":
        return False
    names = BatchGetDocumentsRequest.pb().FromString(request).documents
    return all(name.endswith(_RECENT_CHANGES_PATH) for name in names)


@dataclass(frozen=True, slots=True)
class CountingProxy:
    """A TCP proxy in front of the emulator."""

    host: str
    traffic: FirestoreTraffic

    def take_traffic(self) -> FirestoreTraffic:
        """Return the traffic since the previous call."""
        traffic = self.traffic
        recorded = FirestoreTraffic(
            traffic.calls.copy(), traffic.documents_read, traffic.writes_by_collection.copy()
        )
        traffic.calls.clear()
        traffic.writes_by_collection.clear()
        traffic.documents_read = 0
        return recorded


@contextmanager
def start_counting_proxy(host: str) -> Iterator[CountingProxy]:
    """Count the calls to an emulator for a `with` block."""
    traffic = FirestoreTraffic()
    server = grpc.server(
        ThreadPoolExecutor(_MAX_THREADS),
        [_CountingHandler(host, traffic)],
        options=_UNLIMITED_MESSAGE_OPTIONS,
    )
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    try:
        yield CountingProxy(f"{LOOPBACK}:{port}", traffic)
    finally:
        server.stop(None)


@dataclass(frozen=True, slots=True)
class EventCost:
    """The cost of one kind of event; the contract sets `max_round_trips`."""

    name: str
    outcome: str
    traffic: FirestoreTraffic
    max_round_trips: int

    def to_table_row(self) -> str:
        """Return the table row with the cost of a million events."""
        read, written = self.traffic.documents_read, self.traffic.documents_written
        one_region, nam5 = compute_dollars_per_million(read, written)
        round_trips = len(self.traffic.calls)
        counts = f"{round_trips} | {read} | {written}"
        return f"| {self.name} | {counts} | ${one_region:.2f} | ${nam5:.2f} |"


def compute_dollars_per_million(read: int, written: int) -> tuple[float, float]:
    """Return the cost of a million events in one region and in nam5, in dollars.

    It includes the later deletion of the journal entry by its TTL policy.
    """
    deleted = min(written, 1)
    one_region, nam5 = (
        (
            read * _READ_DOLLARS[where]
            + written * _WRITE_DOLLARS[where]
            + deleted * _DELETE_DOLLARS[where]
        )
        * (_MILLION / _OPERATIONS_PER_PRICE)
        for where in _READ_DOLLARS
    )
    return one_region, nam5


def measure_round_trips(
    *,
    quick: bool,  # noqa: ARG001 -- counts need no rounds
) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the most round trips of a created envelope and of all else, and the table."""
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        proxy = stack.enter_context(start_counting_proxy(environment.host))
        costs = list(_measure_events(environment, proxy, stack))
    created_cost, *other_costs = costs
    figures = [
        _build_result("round trips, created envelope", [created_cost]),
        _build_result("round trips, any other event, maximum", other_costs),
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
    [tenant] = environment.seed_tenants(1)
    # No call to OpenTable: guests and hints are fetched after the commit, and counted apart.
    disabled_budgets = {"HINT_BUDGET_SECONDS": "0", "GUEST_BUDGET_SECONDS": "0"}
    variables = environment.build_variables(**disabled_budgets) | {
        "FIRESTORE_EMULATOR_HOST": proxy.host
    }

    def start() -> Callable[[str, Mapping[str, Any], int], EventCost]:
        function = stack.enter_context(serve_function("opentable_webhook", variables))
        # Once in either format: settings, routes and secrets are cached from now on.
        _post_event(function, tenant, build_created_envelope(tenant))
        warm_up = _build_opentable_object(tenant, 1) | {"id": f"{tenant.rid}-warm"}
        _post_event(function, tenant, warm_up)

        def measure(name: str, body: Mapping[str, Any], max_round_trips: int) -> EventCost:
            proxy.take_traffic()
            outcome = _post_event(function, tenant, body)
            return EventCost(name, outcome, proxy.take_traffic(), max_round_trips)

        return measure

    first_instance, second_instance = start(), start()
    created_envelope = build_created_envelope(tenant)
    yield first_instance("envelope, created", created_envelope, 1)
    yield first_instance("… duplicate, at the same instance", created_envelope, 2)
    yield second_instance("… duplicate, at another instance", created_envelope, 2)
    patch = build_updated_envelope(created_envelope)
    yield first_instance("envelope, updated", patch, 2)
    yield first_instance("… duplicate", patch, 2)
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
    yield first_instance("… duplicate", third_object | {"party_size": 6}, 2)
    yield first_instance("… older version", second_object, 2)
    yield first_instance(
        "… newer version, equal values",
        _build_opentable_object(tenant, 4) | {"party_size": 6},
        2,
    )
    envelope_after_object = build_created_envelope(tenant)
    envelope_after_object["data"] |= {"reservationId": f"{tenant.rid}-spoken"}
    yield first_instance(
        "envelope, created, after OpenTable's object here", envelope_after_object, 2
    )
    envelope_after_other_instance = build_created_envelope(tenant)
    second_instance("", _build_opentable_object(tenant, 1) | {"id": f"{tenant.rid}-unseen"}, 2)
    envelope_after_other_instance["data"] |= {"reservationId": f"{tenant.rid}-unseen"}
    yield first_instance(
        "envelope, created, after OpenTable's object elsewhere", envelope_after_other_instance, 2
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


def _post_event(function: FunctionServer, tenant: Tenant, body: Mapping[str, Any]) -> str:
    raw = json.dumps(body).encode()
    headers = {"content-type": "application/json", **build_signature_headers(tenant, raw)}
    response = requests.post(function.url, data=raw, headers=headers, timeout=_TIMEOUT_SECONDS)
    return str(response.json()["status"])
