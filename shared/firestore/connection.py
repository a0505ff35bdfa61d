"""Open a gRPC connection to Firestore or its emulator."""

from typing import Any

import grpc.aio  # type: ignore[import-untyped]  # it ships no types
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport

_ENDPOINT = "firestore.googleapis.com"
_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),  # as the client library: notice a dead connection
    ("grpc.max_send_message_length", -1),  # Firestore has its own limits
    ("grpc.max_receive_message_length", -1),
]


def connect_firestore(credentials: Any, emulator_host: str | None) -> FirestoreAsyncClient:
    """Return a generated client with a channel of its own."""
    if emulator_host:
        channel = grpc.aio.insecure_channel(emulator_host, options=_CHANNEL_OPTIONS)
    else:
        channel = FirestoreGrpcAsyncIOTransport.create_channel(
            _ENDPOINT, credentials=credentials, options=_CHANNEL_OPTIONS
        )
    return FirestoreAsyncClient(transport=FirestoreGrpcAsyncIOTransport(channel=channel))
