"""Reads of Firestore with a deadline, lists with a bound, and one name for every failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference, AsyncQuery, DocumentSnapshot
from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery

from shared.errors import LedgerUnavailableError

READ_SECONDS = 8.0


@contextmanager
def unavailable_on_failure() -> Iterator[None]:
    """Give any failure of Firestore the name by which requests are answered.

    Raises:
        LedgerUnavailableError: In place of Firestore's own error.
    """
    try:
        yield
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None


async def read_one(reference: AsyncDocumentReference) -> DocumentSnapshot[Any]:
    """Read a document.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    with unavailable_on_failure():
        return await reference.get(retry=None, timeout=READ_SECONDS)


async def read_some(query: AsyncQuery, most: int) -> list[DocumentSnapshot[Any]]:
    """Read at most so many documents of a query, in its order.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    with unavailable_on_failure():
        found = query.limit(most).stream(retry=None, timeout=READ_SECONDS)
        return [snapshot async for snapshot in found]


async def count(query: AsyncQuery) -> int:
    """Count a query's documents, at the price of one read a thousand.

    Raises:
        LedgerUnavailableError: When they cannot be counted now.
    """
    with unavailable_on_failure():
        [[counted]] = (
            await AsyncAggregationQuery(query).count().get(retry=None, timeout=READ_SECONDS)
        )
        return int(counted.value)
