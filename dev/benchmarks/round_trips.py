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

from dev.benchmarks.environment import BenchmarkEnvironment, start_benchmark_environment
from dev.benchmarks.load_generator import (
    Tenant,
    build_cancelled_envelope,
    build_created_envelope,
    build_signature_headers,
    build_updated_envelope,
)
from dev.benchmarks.results import BenchmarkResult, build_value_result, require_at_most
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

# Dollars for 100,000 reads, writes and deletes.
_ONE_REGION_DOLLARS = (0.03, 0.09, 0.01)
_NAM5_DOLLARS = (0.06, 0.18, 0.02)
_OPERATIONS_PER_PRICE = 100_000
_MILLION = 1_000_000


@dataclass(slots=True)
class FirestoreTraffic:
    """The observed Firestore traffic without the reads of the recent changes.

    Reads of missing documents count, because they are billed.
    """

    calls: list[str] = field(default_factory=list)
    documents_read: int = 0
    writes_by_collection: Counter[str] = field(default_factory=Counter)

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

    def __init__(self, emulator_host: str, proxy: "CountingProxy") -> None:
        self._channel = grpc.insecure_channel(emulator_host, _UNLIMITED_MESSAGE_OPTIONS)
        self._proxy = proxy

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
                self._proxy.traffic.calls.append(name)
            call = self._channel.stream_stream(path)
            try:
                for response in call(iter([request]), metadata=metadata):
                    if is_counted:
                        self._proxy.traffic.record_response(name, response, request)
                    yield response
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(forward)


def _reads_recent_changes(method: str, request: bytes) -> bool:
    if method != "BatchGetDocuments":
        return False
    names = BatchGetDocumentsRequest.pb().FromString(request).documents
    return all(name.endswith(_RECENT_CHANGES_PATH) for name in names)


@dataclass(slots=True)
class CountingProxy:
    """A TCP proxy in front of the emulator."""

    host: str = ""
    traffic: FirestoreTraffic = field(default_factory=FirestoreTraffic)

    def take_traffic(self) -> FirestoreTraffic:
        """Return the traffic since the previous call."""
        taken, self.traffic = self.traffic, FirestoreTraffic()
        return taken


@contextmanager
def start_counting_proxy(host: str) -> Iterator[CountingProxy]:
    """Count the calls to an emulator for a `with` block."""
    proxy = CountingProxy()
    server = grpc.server(
        ThreadPoolExecutor(_MAX_THREADS),
        [_CountingHandler(host, proxy)],
        options=_UNLIMITED_MESSAGE_OPTIONS,
    )
    proxy.host = f"{LOOPBACK}:{server.add_insecure_port(f'{LOOPBACK}:0')}"
    server.start()
    try:
        yield proxy
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
        read, written = self.traffic.documents_read, self.traffic.writes_by_collection.total()
        one_region, nam5 = compute_dollars_per_million(read, written)
        counts = f"{len(self.traffic.calls)} | {read} | {written}"
        return f"| {self.name} | {counts} | ${one_region:.2f} | ${nam5:.2f} |"


def compute_dollars_per_million(read: int, written: int) -> tuple[float, float]:
    """Return the cost of a million events in one region and in nam5, in dollars.

    It includes the later deletion of the journal entry by its TTL policy.
    """
    deleted, prices_per_million = min(written, 1), _MILLION / _OPERATIONS_PER_PRICE
    one_region, nam5 = (
        (read * read_price + written * write_price + deleted * delete_price) * prices_per_million
        for read_price, write_price, delete_price in (_ONE_REGION_DOLLARS, _NAM5_DOLLARS)
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
    header = [
        "| event | round trips | read | written | one region | nam5 |",
        "|---|---|---|---|---|---|",
    ]
    return figures, header + [cost.to_table_row() for cost in costs]


def _build_result(name: str, costs: list[EventCost]) -> BenchmarkResult:
    max_round_trips = max(len(cost.traffic.calls) for cost in costs)
    limit = require_at_most(costs[0].max_round_trips)
    kinds = {cost.name: {"calls": cost.traffic.calls, "answer": cost.outcome} for cost in costs}
    return build_value_result(name, "", limit, max_round_trips, kinds=kinds)


def _measure_events(
    environment: BenchmarkEnvironment, proxy: CountingProxy, stack: ExitStack
) -> Iterator[EventCost]:
    [tenant] = environment.seed_tenants(1)
    # No call to OpenTable: guests and hints are fetched after the commit, and counted apart.
    variables = environment.build_variables(
        HINT_BUDGET_SECONDS="0", GUEST_BUDGET_SECONDS="0", FIRESTORE_EMULATOR_HOST=proxy.host
    )

    def start_instance() -> Callable[..., EventCost]:
        function = stack.enter_context(serve_function("opentable_webhook", variables))
        # Once in either format: settings, routes and secrets are cached from now on.
        _post_event(function, tenant, build_created_envelope(tenant))
        warm_up = _build_opentable_object(tenant, 1) | {"id": f"{tenant.rid}-warm"}
        _post_event(function, tenant, warm_up)

        def measure(name: str, body: Mapping[str, Any], max_round_trips: int = 2) -> EventCost:
            proxy.take_traffic()
            outcome = _post_event(function, tenant, body)
            return EventCost(name, outcome, proxy.take_traffic(), max_round_trips)

        return measure

    measure, measure_elsewhere = start_instance(), start_instance()
    created = build_created_envelope(tenant)
    yield measure("envelope, created", created, max_round_trips=1)
    yield measure("… duplicate, at the same instance", created)
    yield measure_elsewhere("… duplicate, at another instance", created)
    patch = build_updated_envelope(created)
    yield measure("envelope, updated", patch)
    yield measure("… duplicate", patch)
    yield measure("envelope, cancelled", build_cancelled_envelope(created))
    unknown = build_created_envelope(tenant)
    yield measure("envelope, updated, before its creation", build_updated_envelope(unknown))
    first, second, third, fourth = (_build_opentable_object(tenant, n) for n in (1, 2, 3, 4))
    yield measure("OpenTable's object, first", first)
    yield measure("… changed", third | {"party_size": 6})
    yield measure("… duplicate", third | {"party_size": 6})
    yield measure("… older version", second)
    yield measure("… newer version, equal values", fourth | {"party_size": 6})
    late = build_created_envelope(tenant)
    late["data"] |= {"reservationId": first["id"]}
    yield measure("envelope, created, after OpenTable's object here", late)
    unseen = first | {"id": f"{tenant.rid}-unseen"}
    measure_elsewhere("", unseen)
    late = build_created_envelope(tenant)
    late["data"] |= {"reservationId": unseen["id"]}
    yield measure("envelope, created, after OpenTable's object elsewhere", late)


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
