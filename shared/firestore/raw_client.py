"""Read and commit documents through Firestore's generated client, for the hot paths."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

import google.auth
import grpc.aio  # type: ignore[import-untyped]  # it ships no types
from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    BatchWriteRequest,
    CommitRequest,
    Cursor,
    Document,
    ListenRequest,
    ListenResponse,
    RunQueryRequest,
    RunQueryResponse,
    StructuredQuery,
    Target,
    Value,
    Write,
)
from msgspec import Struct

from shared.concurrency import batched
from shared.domain.validation import nest_fields
from shared.errors import ServiceUnavailableError
from shared.firestore.codec import decode_fields, encode_fields

DEFAULT_DATABASE = "(default)"
_ENDPOINT = "firestore.googleapis.com"
_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 30_000),  # as the client library: notice a dead connection
    ("grpc.max_send_message_length", -1),  # Firestore has its own limits
    ("grpc.max_receive_message_length", -1),
]
_PAGE_SIZE = 300
_READ_GROUP_SIZE = 200
_MIN_BULK_DOCUMENTS = 10  # a webhook reads and commits fewer: it must not wait for a run
# As many as one restaurant uses. The event loop decodes one response at a time, so more calls would
# only wait for it, and their time limits would expire.
MAX_CONCURRENT_BULK_CALLS = 4
_OK_CODE, _ALREADY_EXISTS_CODE = 0, 6  # of google.rpc.Code
# The generated classes under the library's wrappers.
_CommitRequestPb = CommitRequest.pb()
_BatchGetRequestPb = BatchGetDocumentsRequest.pb()


class FirestoreClient(AsyncClient):
    """The client library's client, and `rpc` for the hot paths.

    `rpc` has a connection of its own, opened at its first call: the library has no public way to
    share one. The webhook reads and commits through `rpc` only.
    """

    def __init__(
        self,
        project: str,
        emulator_host: str | None = None,
        api: FirestoreAsyncClient | None = None,
        database: str = DEFAULT_DATABASE,
    ) -> None:
        credentials = None if emulator_host else google.auth.default(scopes=self.SCOPE)[0]
        super().__init__(project=project, credentials=credentials, database=database)
        self.rpc = FirestoreRpc(
            f"projects/{project}/databases/{database}",
            api or connect_firestore(credentials, emulator_host),
            is_emulator=bool(emulator_host),
        )


def connect_firestore(credentials: Any, emulator_host: str | None) -> FirestoreAsyncClient:
    """Return a generated client with a channel of its own."""
    if emulator_host:
        channel = grpc.aio.insecure_channel(emulator_host, options=_CHANNEL_OPTIONS)
    else:
        channel = FirestoreGrpcAsyncIOTransport.create_channel(
            _ENDPOINT, credentials=credentials, options=_CHANNEL_OPTIONS
        )
    return FirestoreAsyncClient(transport=FirestoreGrpcAsyncIOTransport(channel=channel))


class RawDocument(Struct, frozen=True):
    """A document as read; both attributes are None if it does not exist.

    Attributes:
        update_time: Firestore's time of the last write, a protocol buffer.
    """

    fields: dict[str, Any] | None
    update_time: Any


class DocumentWrite(Struct, frozen=True):
    """A write that creates a document, or updates some fields of an existing one.

    It fails, and its commit with it, if the document exists or does not, respectively.

    Attributes:
        fields: Dotted paths to values. Each segment is a plain identifier.
        last_update_time: An update also fails if the document was written after this time.
    """

    reference: AsyncDocumentReference
    fields: Mapping[str, Any]
    is_create: bool = False
    last_update_time: Any = None


class FirestoreRpc:
    """Firestore's calls without retries: a caller reads again before it repeats a write.

    All of them raise `google.api_core.exceptions.GoogleAPIError`. A failed commit may have been
    applied.

    A read or commit of many documents waits for one of `MAX_CONCURRENT_BULK_CALLS` slots of the
    process. The time limit starts with the call, so that many restaurants do not use it up by
    waiting for each other.

    Args:
        database: `projects/…/databases/…`.
    """

    def __init__(self, database: str, api: FirestoreAsyncClient, *, is_emulator: bool) -> None:
        self._api = api
        self._database = database
        self._bulk_slots = asyncio.Semaphore(MAX_CONCURRENT_BULK_CALLS)
        self._metadata = [("google-cloud-resource-prefix", self._database)]
        if is_emulator:
            # Without this, the emulator applies the security rules.
            self._metadata.append(("authorization", "Bearer owner"))

    def _resource_name(self, reference: AsyncDocumentReference) -> str:
        return f"{self._database}/documents/{reference.path}"

    def _build_options(self, timeout_seconds: float) -> dict[str, Any]:
        return {"metadata": self._metadata, "retry": None, "timeout": timeout_seconds}

    def _wait_for_slot(self, document_count: int) -> AbstractAsyncContextManager[None]:
        is_bulk = document_count >= _MIN_BULK_DOCUMENTS
        return self._bulk_slots if is_bulk else nullcontext()

    async def commit(self, writes: Iterable[DocumentWrite], timeout_seconds: float) -> None:
        """Commit writes, all or none."""
        message = _CommitRequestPb(database=self._database)
        for write in writes:
            target = message.writes.add()
            target.update.name = self._resource_name(write.reference)
            encode_fields(nest_fields(write.fields), target.update.fields)
            if write.is_create:
                target.current_document.exists = False
                continue
            target.update_mask.field_paths.extend(write.fields)
            if write.last_update_time is None:
                target.current_document.exists = True
            else:
                target.current_document.update_time.CopyFrom(write.last_update_time)
        async with self._wait_for_slot(len(message.writes)):
            await self._api.commit(
                request=CommitRequest.wrap(message),
                **self._build_options(timeout_seconds),
            )

    async def batch_get(
        self, references: Sequence[AsyncDocumentReference], timeout_seconds: float
    ) -> dict[str, RawDocument]:
        """Return documents by path, in one call."""
        paths = {self._resource_name(reference): reference.path for reference in references}
        request = _BatchGetRequestPb(database=self._database, documents=paths)
        documents: dict[str, RawDocument] = {}
        async with self._wait_for_slot(len(paths)):
            responses = await self._api.batch_get_documents(
                request=BatchGetDocumentsRequest.wrap(request),
                **self._build_options(timeout_seconds),
            )
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

    async def read_existing(
        self, references: Sequence[AsyncDocumentReference], timeout_seconds: float
    ) -> dict[str, dict[str, Any]]:
        """Return the fields of the documents that exist, by id, with a call for each group."""
        existing: dict[str, dict[str, Any]] = {}
        for group in batched(references, _READ_GROUP_SIZE):
            documents = await self.batch_get(group, timeout_seconds)
            existing |= {
                reference.id: fields
                for reference in group
                if (fields := documents[reference.path].fields) is not None
            }
        return existing

    async def run_query(
        self, parent: AsyncDocumentReference | None, query: StructuredQuery, timeout_seconds: float
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and fields of the documents of a query (`build_query`) below `parent`.

        A `parent` of None stands for the root of the database.
        """
        root = f"{self._database}/documents"
        parent_name = self._resource_name(parent) if parent is not None else root
        async for document in self._stream_documents(parent_name, query, timeout_seconds):
            yield document.name.rpartition("/")[2], decode_fields(document.fields)

    async def iterate_collection_group(
        self,
        parent: AsyncDocumentReference,
        collection_id: str,
        timeout_seconds: float,
        read_time: datetime,
    ) -> AsyncIterator[tuple[str, Any]]:
        """Yield path and protocol buffer of the documents in all collections of an id, in pages.

        The collections are at any depth below `parent`. The `read_time` makes all pages fit
        together. The timeout is for each page.
        """
        parent_name = self._resource_name(parent)
        root = parent_name.removesuffix(parent.path)
        query = StructuredQuery(
            from_=[{"collection_id": collection_id, "all_descendants": True}],
            order_by=[{"field": {"field_path": "__name__"}}],
            limit=_PAGE_SIZE,
        )
        name, count = "", _PAGE_SIZE
        while count == _PAGE_SIZE:  # a shorter page is the last one
            count = 0
            async for document in self._stream_documents(
                parent_name, query, timeout_seconds, read_time
            ):
                name, count = document.name, count + 1
                yield name.removeprefix(root), document
            # By name, not by offset: Firestore bills the documents that an offset skips.
            query.start_at = Cursor(values=[Value(reference_value=name)], before=False)

    async def _stream_documents(
        self,
        parent_name: str,
        query: StructuredQuery,
        timeout_seconds: float,
        read_time: datetime | None = None,
    ) -> AsyncIterator[Any]:
        responses = await self._api.run_query(
            request=RunQueryRequest(
                parent=parent_name, structured_query=query, read_time=read_time
            ),
            **self._build_options(timeout_seconds),
        )
        async for response in responses:
            message = RunQueryResponse.pb(response)
            if message.HasField("document"):  # other messages report progress
                yield message.document

    async def create_documents(
        self, documents: Mapping[str, Any], timeout_seconds: float
    ) -> set[str]:
        """Create documents that do not exist, each on its own; return their paths.

        `documents` maps paths to protocol buffers of documents, with names that are set here.

        Raises:
            ServiceUnavailableError: A write failed for another reason; the others may be written.
        """
        writes = []
        for path, document in documents.items():
            document.name = f"{self._database}/documents/{path}"
            is_missing = {"exists": False}
            writes.append(Write(update=Document.wrap(document), current_document=is_missing))
        response = await self._api.batch_write(
            request=BatchWriteRequest(database=self._database, writes=writes),
            **self._build_options(timeout_seconds),
        )
        codes = dict(zip(documents, (status.code for status in response.status), strict=True))
        for code in codes.values():
            if code not in {_OK_CODE, _ALREADY_EXISTS_CODE}:
                raise ServiceUnavailableError(f"A write failed with the code {code}.")
        return {path for path, code in codes.items() if code == _OK_CODE}

    async def listen(
        self, parent: AsyncDocumentReference, targets: Sequence[Target]
    ) -> AsyncIterator[ListenResponse]:
        """Yield Firestore's responses to a Listen call for queries below `parent`, without end."""
        for target in targets:
            target.query.parent = self._resource_name(parent)

        async def send_targets() -> AsyncIterator[ListenRequest]:
            for target in targets:
                yield ListenRequest(database=self._database, add_target=target)
            # The end of the requests would end the call: wait until it is cancelled.
            await asyncio.Event().wait()

        call: Any = await self._api.listen(
            requests=send_targets(), metadata=self._metadata, retry=None
        )
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()
