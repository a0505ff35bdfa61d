"""The line to Firestore, metered as it is billed: documents read, documents written."""

from collections.abc import AsyncIterator
from typing import Any

from google.cloud.firestore import AsyncClient


class Meter:
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
        return self._of_read(await self._api.batch_get_documents(**sent))

    async def run_query(self, **sent: Any) -> Any:
        return self._of_query(await self._api.run_query(**sent))

    async def run_aggregation_query(self, **sent: Any) -> Any:
        self.reads += 1
        return await self._api.run_aggregation_query(**sent)

    def taken(self) -> tuple[int, int]:
        """Return reads and writes since this was last asked."""
        taken = self.reads, self.writes
        self.reads = self.writes = 0
        return taken

    async def _of_read(self, answers: Any) -> AsyncIterator[Any]:
        async for answer in answers:
            self.reads += 1  # one that is missing is billed too
            yield answer

    async def _of_query(self, answers: Any) -> AsyncIterator[Any]:
        found = 0
        async for answer in answers:
            found += "document" in answer
            yield answer
        self.reads += max(found, 1)
