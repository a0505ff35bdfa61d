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

from shared.core.document import nest
from shared.edge.values import put, taken

_Read = BatchGetDocumentsRequest.pb()
_Commit = CommitRequest.pb()
_Write = Write.pb()


class Found(Struct, frozen=True):
    """What a read found.

    Attributes:
        fields: The document's, None where there is none.
        update_time: When it was last written, as Firestore wrote it; None where there is none.
    """

    fields: dict[str, Any] | None
    update_time: Any


class Calls:
    """Calls that nobody repeats by himself: who asked reads before trying again.

    Args:
        client: The process's Firestore client.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._database = f"projects/{client.project}/databases/(default)"

    def _name(self, reference: AsyncDocumentReference) -> str:
        return f"{self._database}/documents/{reference.path}"

    def create(self, reference: AsyncDocumentReference, fields: Mapping[str, Any]) -> Any:
        """Return the write that creates a document; it fails where there is one."""
        write = _Write()
        write.update.name = self._name(reference)
        put(fields, write.update.fields)
        write.current_document.exists = False
        return write

    def update(
        self, reference: AsyncDocumentReference, flat: Mapping[str, Any], unmoved: Any = None
    ) -> Any:
        """Return the write of some fields; it fails where there is no such document.

        Args:
            reference: The document.
            flat: Dotted path to value, each segment a plain identifier.
            unmoved: The time of writing at which the document must still be.
        """
        write = _Write()
        write.update.name = self._name(reference)
        put(nest(flat), write.update.fields)
        write.update_mask.field_paths.extend(flat)
        if unmoved is None:
            write.current_document.exists = True
        else:
            write.current_document.update_time.CopyFrom(unmoved)
        return write

    async def commit(self, writes: Iterable[Any], seconds: float) -> None:
        """Make writes, all or none.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When none was made, or it is not known.
        """
        message = _Commit(database=self._database, writes=writes)
        await self._client._firestore_api.commit(  # noqa: SLF001 -- the library's own way in
            request=CommitRequest.wrap(message),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=seconds,
        )

    async def read(
        self, references: Sequence[AsyncDocumentReference], seconds: float
    ) -> dict[str, Found]:
        """Return documents by their path, in one call.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When they could not all be read.
        """
        paths = {self._name(reference): reference.path for reference in references}
        wanted = _Read(database=self._database, documents=paths)
        answers = await self._client._firestore_api.batch_get_documents(  # noqa: SLF001 -- as above
            request=BatchGetDocumentsRequest.wrap(wanted),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=seconds,
        )
        found: dict[str, Found] = {}
        async for answer in answers:
            message = BatchGetDocumentsResponse.pb(answer)
            if message.missing:
                found[paths[message.missing]] = Found(None, None)
            else:
                document = message.found
                found[paths[document.name]] = Found(taken(document.fields), document.update_time)
        return found

    async def stream(
        self, parent: AsyncDocumentReference, query: AsyncQuery, seconds: float
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the fields of the documents that a query finds.

        Args:
            parent: The document under which its collection is.
            query: The query.
            seconds: How long all of it may take.

        Raises:
            google.api_core.exceptions.GoogleAPIError: When they could not all be read.
        """
        wanted = {
            "parent": self._name(parent),
            "structured_query": query._to_protobuf(),  # noqa: SLF001 -- as above
        }
        answers = await self._client._firestore_api.run_query(  # noqa: SLF001 -- as above
            request=RunQueryRequest(wanted),
            metadata=self._client._rpc_metadata,  # noqa: SLF001 -- likewise
            retry=None,
            timeout=seconds,
        )
        async for answer in answers:
            message = RunQueryResponse.pb(answer)
            if message.HasField("document"):  # else it tells of progress alone
                yield taken(message.document.fields)
