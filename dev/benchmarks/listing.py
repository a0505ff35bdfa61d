"""Measure the listing of many restaurants, with which each scheduled run begins.

The emulator reads all documents for each page, so a prepared server answers instead.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc  # type: ignore[import-untyped] # it has none
from google.cloud.firestore import AsyncClient, FieldFilter
from google.cloud.firestore_v1._helpers import encode_dict
from google.cloud.firestore_v1.types import RunQueryRequest, RunQueryResponse
from typing_extensions import override

from dev.benchmarks.environment import BENCHMARK_PROJECT
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    build_value_result,
    require_at_most,
)
from dev.local.processes import LOOPBACK
from shared.config import read_environment
from shared.context import build_app_context
from shared.tasks.fan_out import LISTING_PAGE_SIZE, list_jobs
from shared.tasks.queue import POLL_FUNCTION

_RESTAURANTS, _QUICK_RESTAURANTS = 100_000, 10_000
_ROUNDS = 2
_MAX_RATIO = 2.0
_STREAM_TIMEOUT_SECONDS = 600.0
_NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
_SETTINGS = {
    "enabled": True,
    "timeZone": "America/New_York",
    "webhookAuth": ["standard-webhooks"],
    "lastPolledAt": _NOW,
    "poll": {"cursor": _NOW, "lastStartedAt": _NOW, "outcome": "ok", "failures": 0},
    "reconciliation": {"lastReconciledAt": _NOW, "lastFullAt": _NOW},
}


class _ListingServer(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Respond to queries with the settings of restaurants, in the order of their names."""

    def __init__(self, count: int) -> None:
        root = f"projects/{BENCHMARK_PROJECT}/databases/(default)/documents/restaurants"
        names = [f"{root}/restaurant-{number:06}/integrations/opentable" for number in range(count)]
        self._indexes = {name: index for index, name in enumerate(names)}
        self.queries = 0
        document = {"fields": encode_dict(_SETTINGS), "create_time": _NOW, "update_time": _NOW}
        response = RunQueryResponse.pb(RunQueryResponse(document=document, read_time=_NOW))
        self._responses: list[bytes] = []
        for name in names:  # the settings differ only in the name
            response.document.name = name
            self._responses.append(response.SerializeToString())

    @override
    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_stream_rpc_method_handler(self._run_query)

    def _run_query(self, request: bytes, _context: Any) -> Iterator[bytes]:
        self.queries += 1
        query = RunQueryRequest.pb().FromString(request).structured_query
        start = 0
        if query.HasField("start_at"):
            start = self._indexes[query.start_at.values[0].reference_value] + 1
        end = start + query.limit.value if query.HasField("limit") else None
        yield from self._responses[start:end]


@contextmanager
def _serve_listing(count: int) -> Iterator[tuple[str, _ListingServer]]:
    handler = _ListingServer(count)
    server = grpc.server(ThreadPoolExecutor(1), [handler])
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    try:
        yield f"{LOOPBACK}:{port}", handler
    finally:
        server.stop(None)


def measure_listing(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figures of listing all restaurants in pages, against one query for all."""
    count = _QUICK_RESTAURANTS if quick else _RESTAURANTS
    with _serve_listing(count) as (host, server):
        # The client of the library finds the server through this variable only.
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        pairs = asyncio.run(_measure_rounds(host, count))
        pages = server.queries / _ROUNDS - 1
    name, limit = f"listing of {count:,} restaurants", require_at_most(_MAX_RATIO)
    max_pages = require_at_most(count / LISTING_PAGE_SIZE + 1)
    return [
        build_ratio_result(name, "s", limit, pairs),
        build_value_result("… pages", "", max_pages, pages),
    ], []


async def _measure_rounds(host: str, count: int) -> list[MeasurementPair]:
    client = AsyncClient(project=BENCHMARK_PROJECT)
    variables = {"GOOGLE_CLOUD_PROJECT": BENCHMARK_PROJECT, "FIRESTORE_EMULATOR_HOST": host}
    context = build_app_context(read_environment(variables))

    async def list_restaurants() -> int:
        return len(await list_jobs(context, POLL_FUNCTION))

    async def stream_settings() -> int:
        # One query for all enabled restaurants, without pages.
        query = client.collection_group("integrations").where(
            filter=FieldFilter("enabled", "==", value=True)
        )
        snapshots = query.stream(retry=None, timeout=_STREAM_TIMEOUT_SECONDS)
        return sum([(snapshot.to_dict() or {})["enabled"] async for snapshot in snapshots])

    async def measure(list_all: Callable[[], Awaitable[int]]) -> float:
        started = time.perf_counter()
        listed = await list_all()
        if listed != count:
            raise RuntimeError(f"{listed:,} instead of {count:,} restaurants were listed.")
        return time.perf_counter() - started

    return [
        MeasurementPair(await measure(stream_settings), await measure(list_restaurants))
        for _ in range(_ROUNDS)
    ]
