"""Firestore's values, straight into protocol buffers and back.

The client library puts every single value through two layers of wrappers. That took as much
processor time as everything else that an event costs, server and framework included, so the
ledger's documents go this way; all other documents go the library's.

Firestore's calls by which the ledger is read and written, as few and as plain as can be.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery, GeoPoint
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    RunQueryRequest,
    RunQueryResponse,
    Value,
    Write,
)
from msgspec import Struct

from shared.domain.ledger.document import nest_fields

_ValuePb = Value.pb()


def encode_fields(fields: Mapping[str, Any], target: Any) -> None:
    """Write values into a protocol buffer's map of fields.

    Args:
        fields: Name to value.
        target: The map, of a document or of a value that is a map.

    Raises:
        TypeError: When a value is of a kind that Firestore does not have.
    """
    for name, value in fields.items():
        _encode_value(value, target[name])


def _encode_value(value: Any, target: Any) -> None:  # noqa: C901, PLR0912 -- one line a kind
    if value is None:
        target.null_value = 0
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):  # before int, of which it is a kind
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, datetime):
        target.timestamp_value = value
    elif isinstance(value, dict):
        target.map_value.SetInParent()
        encode_fields(value, target.map_value.fields)
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _encode_value(item, target.array_value.values.add())
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, GeoPoint):
        target.geo_point_value.CopyFrom(value.to_protobuf())
    elif isinstance(value, _ValuePb):
        target.CopyFrom(value)
    else:
        raise TypeError(f"Firestore has no value such as a {type(value).__name__}")


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a protocol buffer's map of fields holds.

    Args:
        fields: The map. A reference in it, of which the bundle writes none, stays as it is, so
            that it can be written again.
    """
    return {name: _decode_value(value) for name, value in fields.items()}


def _decode_value(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "map_value":
        return decode_fields(value.map_value.fields)
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(UTC)
    if kind == "array_value":
        return [_decode_value(item) for item in value.array_value.values]
    if kind == "geo_point_value":
        return GeoPoint(value.geo_point_value.latitude, value.geo_point_value.longitude)
    return value if kind == "reference_value" else getattr(value, kind)


_BatchGetRequestPb = BatchGetDocumentsRequest.pb()
_CommitRequestPb = CommitRequest.pb()
_WritePb = Write.pb()


class RawDocument(Struct, frozen=True):
    """What a read found.

    Attributes:
        fields: The document's, None where there is none.
        update_time: When it was last written, as Firestore wrote it; None where there is none.
    """

    fields: dict[str, Any] | None
    update_time: Any


class FirestoreRpc:
    """Calls that nobody repeats by himself: who asked reads before trying again.

    Args:
        client: The process's Firestore client.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._database = f"projects/{client.project}/databases/(default)"

    def _resource_name(self, reference: AsyncDocumentReference) -> str:
        return f"{self._database}/documents/{reference.path}"

    def build_create(self, reference: AsyncDocumentReference, fields: Mapping[str, Any]) -> Any:
        """Return the write that creates a document; it fails where there is one."""
        write = _WritePb()
        write.update.name = self._resource_name(reference)
        encode_fields(fields, write.update.fields)
        write.current_document.exists = False
        return write

    def build_update(
        self,
        reference: AsyncDocumentReference,
        flat_fields: Mapping[str, Any],
        last_update_time: Any = None,
    ) -> Any:
        """Return the write of some fields; it fails where there is no such document.

        Args:
            reference: The document.
            flat_fields: Dotted path to value, each segment a plain identifier.
            last_update_time: The time of writing at which the document must still be.
        """
        write = _WritePb()
        write.update.name = self._resource_name(reference)
        encode_fields(nest_fields(flat_fields), write.update.fields)
        write.update_mask.field_paths.extend(flat_fields)
        if last_update_time is None:
            write.current_document.exists = True
        else:
            write.current_document.update_time.CopyFrom(last_update_time)
        return write

    async def commit(self, writes: Iterable[Any], timeout_seconds: float) -> None:
        """Make writes, all or none.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When none was made, or it is not known.
        """
        message = _CommitRequestPb(database=self._database, writes=writes)
        await self._client._firestore_api.commit(  # noqa: SLF001 -- the library's own way in
            request=CommitRequest.wrap(message),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=timeout_seconds,
        )

    async def batch_get(
        self, references: Sequence[AsyncDocumentReference], timeout_seconds: float
    ) -> dict[str, RawDocument]:
        """Return documents by their path, in one call.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When they could not all be read.
        """
        paths = {self._resource_name(reference): reference.path for reference in references}
        request = _BatchGetRequestPb(database=self._database, documents=paths)
        responses = await self._client._firestore_api.batch_get_documents(  # noqa: SLF001 -- as above
            request=BatchGetDocumentsRequest.wrap(request),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=timeout_seconds,
        )
        documents: dict[str, RawDocument] = {}
        async for response in responses:
            message = BatchGetDocumentsResponse.pb(response)
            if message.missing:
                documents[paths[message.missing]] = RawDocument(None, None)
            else:
                document = message.found
                documents[paths[document.name]] = RawDocument(
                    decode_fields(document.fields), document.update_time
                )
        return documents

    async def run_query(
        self, parent: AsyncDocumentReference, query: AsyncQuery, timeout_seconds: float
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the fields of the documents that a query finds.

        Args:
            parent: The document under which its collection is.
            query: The query.
            timeout_seconds: How long all of it may take.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When they could not all be read.
        """
        request = {
            "parent": self._resource_name(parent),
            "structured_query": query._to_protobuf(),  # noqa: SLF001 -- as above
        }
        responses = await self._client._firestore_api.run_query(  # noqa: SLF001 -- as above
            request=RunQueryRequest(request),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=timeout_seconds,
        )
        async for response in responses:
            message = RunQueryResponse.pb(response)
            if message.HasField("document"):  # else it tells of progress alone
                yield decode_fields(message.document.fields)
