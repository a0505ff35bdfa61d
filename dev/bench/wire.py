"""Firestore's calls, counted on the wire between a served function and the emulator."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped] # it has none
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsResponse,
    CommitRequest,
    RunQueryResponse,
)
from typing_extensions import override

from dev.processes import LOOPBACK

_MAX_THREADS = 32
_UNLIMITED_MESSAGE_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


@dataclass(slots=True)
class FirestoreTraffic:
    """What went over the wire.

    Attributes:
        calls: The names of the calls, in the order in which they were made.
        documents_read: Documents read; one that is not there is paid for as well.
        writes_by_collection: How many documents were written in each collection, by its last name.
    """

    calls: list[str] = field(default_factory=list)
    documents_read: int = 0
    writes_by_collection: Counter[str] = field(default_factory=Counter)

    @property
    def documents_written(self) -> int:
        """How many documents were written."""
        return self.writes_by_collection.total()

    def record_response(self, method: str, message: bytes, request: bytes) -> None:
        """Take note of an answer; what failed has written nothing.

        Args:
            method: The call's name.
            message: The answer, or one of its parts.
            request: What was asked.
        """
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
    """Hands every call on as bytes; on the wire, all calls are streams."""

    def __init__(self, host: str, traffic: FirestoreTraffic) -> None:
        self._channel = grpc.insecure_channel(host, _UNLIMITED_MESSAGE_OPTIONS)
        self._traffic = traffic

    @override
    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method

        def forward(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            name = path.rpartition("/")[2]
            self._traffic.calls.append(name)
            metadata = [pair for pair in context.invocation_metadata() if _is_call_header(pair[0])]
            request = next(requests)  # the calls that the bundle makes ask once
            call = self._channel.stream_stream(path)
            try:
                for response in call(iter([request]), metadata=metadata):
                    self._traffic.record_response(name, response, request)
                    yield response
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(forward)


def _is_call_header(name: str) -> bool:
    """Whether a header belongs to the call, and not to the connection that carried it."""
    return name in {"authorization", "google-cloud-resource-prefix", "x-goog-request-params"}


@dataclass(frozen=True, slots=True)
class CountingProxy:
    """A place on the wire.

    Attributes:
        host: The address to use in the emulator's place.
        traffic: What has passed.
    """

    host: str
    traffic: FirestoreTraffic

    def take_traffic(self) -> FirestoreTraffic:
        """Return what has passed since this was last asked."""
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
    """Tap the line to an emulator for the length of a `with` block."""
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
