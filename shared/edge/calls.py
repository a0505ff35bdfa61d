"""Firestore's calls by which the ledger is read and written, as few and as plain as can be."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    RunQueryRequest,
    RunQueryResponse,
    Write,
)
from msgspec import Struct

from shared.core.document import nest_fields
from shared.edge.values import decode_fields, encode_fields

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
