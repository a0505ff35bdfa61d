"""Read and update single documents and lists through Firestore's client library.

Every helper has a timeout and raises `ServiceUnavailableError` for a failed call. The ledger's own
documents go through `shared.firestore.raw_client` instead.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from google.api_core import exceptions as google
from google.cloud.firestore import (
    AsyncClient,
    AsyncCollectionReference,
    AsyncDocumentReference,
    AsyncQuery,
    DocumentSnapshot,
    FieldFilter,
)
from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery
from msgspec import Struct

from shared.domain.validation import MAX_CLOCK_DIFFERENCE
from shared.errors import ServiceUnavailableError

READ_TIMEOUT_SECONDS = 5.0
WRITE_TIMEOUT_SECONDS = 5.0
LARGE_WRITE_TIMEOUT_SECONDS = 10.0  # documents of up to 1 MiB, or a batch of many
QUERY_TIMEOUT_SECONDS = 30.0  # a query with more results than one page of a screen

MAX_UPDATE_ATTEMPTS = 5
# What a conditional write raises when another writer came first.
CONFLICT_ERRORS = (google.Conflict, google.FailedPrecondition, google.NotFound)

T = TypeVar("T")


@contextmanager
def translate_firestore_errors() -> Iterator[None]:
    """Raise `ServiceUnavailableError` for any error of Firestore.

    Use it with `with`. As a decorator of an async function it would only guard the creation of the
    coroutine.
    """
    try:
        yield
    except google.GoogleAPIError as error:
        # Only the type: the text of the error may quote the document.
        raise ServiceUnavailableError(type(error).__name__) from None


async def read_document(reference: AsyncDocumentReference) -> DocumentSnapshot[Any]:
    """Read a document."""
    with translate_firestore_errors():
        return await reference.get(retry=None, timeout=READ_TIMEOUT_SECONDS)


async def read_documents(query: AsyncQuery, limit: int) -> list[DocumentSnapshot[Any]]:
    """Read the first `limit` documents of a query."""
    with translate_firestore_errors():
        snapshots = query.limit(limit).stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)
        return [snapshot async for snapshot in snapshots]


async def stream_documents(
    query: AsyncQuery | AsyncCollectionReference,
) -> AsyncIterator[DocumentSnapshot[Any]]:
    """Yield all documents of a query or a collection."""
    with translate_firestore_errors():
        async for snapshot in query.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS):
            yield snapshot


def order_newest_first(
    query: AsyncQuery | AsyncCollectionReference, time_field: str, now: datetime
) -> AsyncQuery:
    """Return a query ordered by a time of the past, the newest first.

    A time in the future, or a value of another type, was edited by hand. It would stay the newest.
    """
    past = query.where(filter=FieldFilter(time_field, "<=", now + MAX_CLOCK_DIFFERENCE))
    return past.order_by(time_field, direction=AsyncQuery.DESCENDING)


async def read_all(
    client: AsyncClient,
    references: list[AsyncDocumentReference],
    field_paths: Iterable[str] | None = None,
) -> list[DocumentSnapshot[Any]]:
    """Read documents with one call, in any order; only some fields if `field_paths` is given."""
    if not references:  # Firestore rejects an empty list
        return []
    with translate_firestore_errors():
        snapshots = client.get_all(
            references, field_paths, retry=None, timeout=READ_TIMEOUT_SECONDS
        )
        return [snapshot async for snapshot in snapshots]


async def count_documents(query: AsyncQuery) -> int:
    """Count the documents of a query; Firestore bills one read per thousand."""
    aggregation = AsyncAggregationQuery(query).count()
    with translate_firestore_errors():
        results = await aggregation.get(retry=None, timeout=READ_TIMEOUT_SECONDS)
    return int(results[0][0].value)  # one result with one aggregation


async def set_document(reference: AsyncDocumentReference, fields: dict[str, Any]) -> None:
    """Create or replace a document."""
    with translate_firestore_errors():
        await reference.set(fields, retry=None, timeout=WRITE_TIMEOUT_SECONDS)


async def update_document(reference: AsyncDocumentReference, changes: dict[str, Any]) -> None:
    """Write dotted paths of a document, whoever wrote it last."""
    with translate_firestore_errors():
        await reference.update(changes, retry=None, timeout=WRITE_TIMEOUT_SECONDS)


class UpdateResult(Struct, frozen=True):
    """What `update_if_unmodified` read and wrote.

    Attributes:
        document: The document before the update, None if it did not exist.
        changes: The fields written, None if `compute` asked for no write.
        update_time: Firestore's time of the write, None if nothing was written.
    """

    document: dict[str, Any] | None
    changes: Mapping[str, Any] | None
    update_time: Any


async def update_if_unmodified(
    reference: AsyncDocumentReference,
    compute: Callable[[dict[str, Any] | None], Mapping[str, Any] | None],
) -> UpdateResult:
    """Read a document, compute changes and write them unless another writer came in between.

    On a conflict, read and compute again, up to `MAX_UPDATE_ATTEMPTS` times.

    Args:
        reference: The document. It is created if it does not exist.
        compute: Maps the document to dotted paths and their new values, None for no write. It may
            run several times. What it raises ends the update.
    """

    async def update_once() -> UpdateResult:
        snapshot = await read_document(reference)
        document = snapshot.to_dict()
        changes = compute(document)
        if changes is None:
            return UpdateResult(document, None, None)
        update_time = await write_if_unmodified(reference, changes, snapshot.update_time)
        return UpdateResult(document, changes, update_time)

    return await retry_on_conflict(update_once)


async def write_if_unmodified(
    reference: AsyncDocumentReference, changes: Mapping[str, Any], last_update_time: Any
) -> Any:
    """Update a document unless it was written after `last_update_time`; return the new time.

    Call it within `retry_on_conflict`: it raises one of `CONFLICT_ERRORS` if another writer came
    first. A `last_update_time` of None creates the document.
    """
    if last_update_time is None:
        result = await reference.create(dict(changes), retry=None, timeout=WRITE_TIMEOUT_SECONDS)
    else:
        option = AsyncClient.write_option(last_update_time=last_update_time)
        result = await reference.update(
            dict(changes), option=option, retry=None, timeout=WRITE_TIMEOUT_SECONDS
        )
    return result.update_time


async def retry_on_conflict(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run a read and its conditional write again when another writer came in between.

    Use it for commits of several documents; `update_if_unmodified` covers a single one.
    """
    for _ in range(MAX_UPDATE_ATTEMPTS):
        with translate_firestore_errors(), contextlib.suppress(*CONFLICT_ERRORS):
            return await attempt()
    raise ServiceUnavailableError("A document kept changing during an update. Try again.")
