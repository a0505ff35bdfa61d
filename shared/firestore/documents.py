"""Reads of Firestore with a deadline, lists with a bound, and one name for every failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference, AsyncQuery, DocumentSnapshot
from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery

from shared.errors import ServiceUnavailableError

READ_TIMEOUT_SECONDS = 8.0


@contextmanager
def translate_firestore_errors() -> Iterator[None]:
    """Give any failure of Firestore the name by which requests are answered.

    Raises:
        LedgerUnavailableError: In place of Firestore's own error.
    """
    try:
        yield
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None


async def read_document(reference: AsyncDocumentReference) -> DocumentSnapshot[Any]:
    """Read a document.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    with translate_firestore_errors():
        return await reference.get(retry=None, timeout=READ_TIMEOUT_SECONDS)


async def read_documents(query: AsyncQuery, limit: int) -> list[DocumentSnapshot[Any]]:
    """Read at most so many documents of a query, in its order.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    with translate_firestore_errors():
        snapshots = query.limit(limit).stream(retry=None, timeout=READ_TIMEOUT_SECONDS)
        return [snapshot async for snapshot in snapshots]


async def count_documents(query: AsyncQuery) -> int:
    """Count a query's documents, at the price of one read a thousand.

    Raises:
        LedgerUnavailableError: When they cannot be counted now.
    """
    with translate_firestore_errors():
        [[aggregate]] = (
            await AsyncAggregationQuery(query).count().get(retry=None, timeout=READ_TIMEOUT_SECONDS)
        )
        return int(aggregate.value)
