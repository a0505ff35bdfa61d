"""Read and commit documents through Firestore's generated client, for the hot paths.

The client library passes every value through two layers of wrappers, which cost as much CPU as
the rest of a webhook. The codec below writes protocol buffers directly; a property test compares it
with the library's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import google.auth
from google.cloud.firestore import (
    And,
    AsyncClient,
    AsyncDocumentReference,
    GeoPoint,
    Or,
)
from google.cloud.firestore_v1.base_query import BaseFilter
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
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

from shared.domain.ledger.document import nest_fields
from shared.errors import ServiceUnavailableError
from shared.firestore.connection import connect_firestore

DEFAULT_DATABASE = "(default)"
_PAGE_SIZE = 300
_MIN_BULK_DOCUMENTS = 10  # a webhook reads and commits fewer: it must not wait for a run
# As many as one restaurant uses. The event loop decodes one response at a time, so more calls would
# only wait for it, and their time limits would expire.
MAX_CONCURRENT_BULK_CALLS = 4
_OK_CODE, _ALREADY_EXISTS_CODE = 0, 6  # of google.rpc.Code
_OPERATORS = {
    "==": StructuredQuery.FieldFilter.Operator.EQUAL,
    "<": StructuredQuery.FieldFilter.Operator.LESS_THAN,
    "<=": StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    ">=": StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
    "in": StructuredQuery.FieldFilter.Operator.IN,
}

# The generated classes under the library's wrappers.
_ValuePb = Value.pb()
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
    """

    def __init__(self, database: str, api: FirestoreAsyncClient, *, is_emulator: bool) -> None:
        """Call `api` for a database, `projects/…/databases/…`."""
        self._api = api
        self._database = database
        self._bulk_slots = asyncio.Semaphore(MAX_CONCURRENT_BULK_CALLS)
        self._metadata = [("google-cloud-resource-prefix", self._database)]
        if is_emulator:
            # The emulator applies the security rules to anybody but the owner.
            self._metadata.append(("authorization", "Bearer owner"))

    def _resource_name(self, reference: AsyncDocumentReference) -> str:
        return f"{self._database}/documents/{reference.path}"

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
                metadata=self._metadata,
                retry=None,
                timeout=timeout_seconds,
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
                metadata=self._metadata,
                retry=None,
                timeout=timeout_seconds,
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

    async def run_query(
        self, parent: AsyncDocumentReference | None, query: StructuredQuery, timeout_seconds: float
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and fields of the documents of a query (`build_query`) below `parent`.

        A `parent` of None stands for the root of the database.
        """
        root = f"{self._database}/documents"
        parent_name = self._resource_name(parent) if parent is not None else root
        responses = await self._api.run_query(
            request=RunQueryRequest(parent=parent_name, structured_query=query),
            metadata=self._metadata,
            retry=None,
            timeout=timeout_seconds,
        )
        async for response in responses:
            message = RunQueryResponse.pb(response)
            if message.HasField("document"):  # other messages report progress
                document_id = message.document.name.rpartition("/")[2]
                yield document_id, decode_fields(message.document.fields)

    async def iterate_documents(
        self,
        parent: AsyncDocumentReference,
        collection_id: str,
        timeout_seconds: float,
        *,
        is_group: bool = False,
        read_time: datetime | None = None,
    ) -> AsyncIterator[tuple[str, Any]]:
        """Yield path and protocol buffer of every document of a collection, page by page.

        Args:
            parent: The document above the collection.
            collection_id: The collection.
            timeout_seconds: The limit of each page.
            is_group: Whether to include the collections of this id at any depth below `parent`.
            read_time: Read the documents as of then, so that all pages fit together.
        """
        root = self._resource_name(parent).removesuffix(parent.path)
        query = StructuredQuery(
            from_=[{"collection_id": collection_id, "all_descendants": is_group}],
            order_by=[{"field": {"field_path": "__name__"}}],
            limit=_PAGE_SIZE,
        )
        last_name = ""
        while True:
            responses = await self._api.run_query(
                request=RunQueryRequest(
                    parent=self._resource_name(parent),
                    structured_query=query,
                    read_time=read_time,
                ),
                metadata=self._metadata,
                retry=None,
                timeout=timeout_seconds,
            )
            count = 0
            async for response in responses:
                message = RunQueryResponse.pb(response)
                if message.HasField("document"):
                    count, last_name = count + 1, message.document.name
                    yield last_name.removeprefix(root), message.document
            if count < _PAGE_SIZE:
                return
            query.start_at = Cursor(values=[Value(reference_value=last_name)], before=False)

    async def create_documents(
        self, documents: Mapping[str, Any], timeout_seconds: float
    ) -> set[str]:
        """Create documents that do not exist, each on its own; return their paths.

        Args:
            documents: Paths to protocol buffers of documents, whose names are set here.
            timeout_seconds: The limit of the call.

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
            metadata=self._metadata,
            retry=None,
            timeout=timeout_seconds,
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
        requests = [ListenRequest(database=self._database, add_target=each) for each in targets]
        call: Any = await self._api.listen(
            requests=_stay_open(requests), metadata=self._metadata, retry=None
        )
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()


async def _stay_open(requests: Sequence[ListenRequest]) -> AsyncIterator[ListenRequest]:
    for request in requests:
        yield request
    await asyncio.Event().wait()  # until the call is cancelled


def build_query(
    collection_id: str, fields: Iterable[str], filters: Sequence[BaseFilter] = ()
) -> StructuredQuery:
    """Return a query for some fields of the documents that pass all filters.

    Operators: `==` (None included), `<`, `<=`, `>=` and `in`.
    """
    where = None
    if filters:
        where = _build_condition(filters[0] if len(filters) == 1 else And(list(filters)))
    return StructuredQuery(
        select={"fields": [{"field_path": field} for field in fields]},
        from_=[{"collection_id": collection_id}],
        where=where,
    )


def _build_condition(condition: Any) -> dict[str, Any]:
    """Return a `FieldFilter`, an `And` or an `Or` as a part of a query."""
    if isinstance(condition, And | Or):
        parts = [_build_condition(part) for part in condition.filters]
        return {"composite_filter": {"op": condition.operator, "filters": parts}}
    field = {"field_path": condition.field_path}
    if condition.value is None:  # the library turned `==` into the operator IS_NULL
        return {"unary_filter": {"field": field, "op": condition.op_string}}
    value = _ValuePb()
    _encode_value(condition.value, value)
    operator = _OPERATORS[condition.op_string]
    return {"field_filter": {"field": field, "op": operator, "value": Value.wrap(value)}}


def encode_fields(fields: Mapping[str, Any], target: Any) -> None:
    """Write values into the `fields` map of a protocol buffer.

    Raises:
        TypeError: Firestore has no such type of value.
    """
    for name, value in fields.items():
        _encode_value(value, target[name])


def _encode_value(value: Any, target: Any) -> None:  # noqa: C901, PLR0912 -- one branch per type
    if value is None:
        target.null_value = 0
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):  # before int, its base class
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, datetime):
        target.timestamp_value = value
    elif isinstance(value, dict):
        target.map_value.SetInParent()  # an empty map is a value too
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
        raise TypeError(f"Firestore cannot store a value of type {type(value).__name__}.")


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a `fields` map.

    The bundle writes no references. Those of other programs stay protocol buffers, which
    `encode_fields` writes back unchanged.
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
