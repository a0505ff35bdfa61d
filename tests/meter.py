"""The line to Firestore, metered as it is billed: documents read, documents written."""

from collections.abc import AsyncIterator
from typing import Any

from google.cloud.firestore import AsyncClient


class FirestoreUsageMeter:
    """Stands between a client and its gRPC calls.

    Args:
        client: Another client of the same project, whose connection is used.

    Attributes:
        client: The metered client.
        reads: Documents read; a query or a count that finds nothing is one too.
        writes: Documents written.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._api = client._firestore_api
        self.client = AsyncClient(project=client.project)
        self.client._firestore_api_internal = self
        self.reads = self.writes = 0

    async def commit(self, **sent: Any) -> Any:
        request = sent["request"]
        writes = request["writes"] if isinstance(request, dict) else request.writes
        self.writes += len(writes)
        return await self._api.commit(**sent)

    async def batch_get_documents(self, **sent: Any) -> Any:
        return self._count_reads(await self._api.batch_get_documents(**sent))

    async def run_query(self, **sent: Any) -> Any:
        return self._count_query_results(await self._api.run_query(**sent))

    async def run_aggregation_query(self, **sent: Any) -> Any:
        self.reads += 1
        return await self._api.run_aggregation_query(**sent)

    def take_counts(self) -> tuple[int, int]:
        """Return reads and writes since this was last asked."""
        counts = self.reads, self.writes
        self.reads = self.writes = 0
        return counts

    async def _count_reads(self, answers: Any) -> AsyncIterator[Any]:
        async for answer in answers:
            self.reads += 1  # one that is missing is billed too
            yield answer

    async def _count_query_results(self, answers: Any) -> AsyncIterator[Any]:
        document_count = 0
        async for answer in answers:
            document_count += "document" in answer
            yield answer
        self.reads += max(document_count, 1)
