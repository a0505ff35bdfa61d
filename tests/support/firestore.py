"""Spy on Firestore calls, fail them, and count billed reads and writes."""

import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from shared.firestore.raw_client import FirestoreClient, connect_firestore

CommitHook = Callable[[], Awaitable[object]]


def make_client(project: str, api: Any) -> FirestoreClient:
    """Return a client of a project over a connection of other clients, or over a spy of one."""
    client = FirestoreClient(project, os.environ["FIRESTORE_EMULATOR_HOST"], api)
    client._firestore_api_internal = api  # the library has no public way to share one
    return client


@asynccontextmanager
async def open_connection(emulator_host: str) -> AsyncIterator[Any]:
    """Open a connection for clients made by `make_client`."""
    api: Any = connect_firestore(None, emulator_host)
    yield api
    await api.transport.close()


class FirestoreSpy:
    """Intercept a client's gRPC calls.

    `read_names` are the documents read by name. `before_commit` and `after_commit` are steps for
    the next commits. While `failure` is set, every call raises it.
    """

    def __init__(self, client: FirestoreClient) -> None:
        self._api = client._firestore_api
        self.client = make_client(client.project, self)
        self.calls: list[str] = []
        self.read_names: list[str] = []
        self.before_commit: deque[CommitHook] = deque()
        self.after_commit: deque[CommitHook] = deque()
        self.failure: type[Exception] | None = None

    async def commit(self, **sent: Any) -> Any:
        self._record_call("commit")
        await _run_next_hook(self.before_commit)
        answer = await self._api.commit(**sent)
        await _run_next_hook(self.after_commit)
        return answer

    async def batch_get_documents(self, **sent: Any) -> Any:
        self._record_call("read")
        request = sent["request"]
        names = request["documents"] if isinstance(request, dict) else request.documents
        self.read_names += names
        return await self._api.batch_get_documents(**sent)

    async def run_query(self, **sent: Any) -> Any:
        self._record_call("query")
        return await self._api.run_query(**sent)

    async def listen(self, **sent: Any) -> Any:
        self._record_call("listen")
        return await self._api.listen(**sent)

    def take_calls(self) -> list[str]:
        """Return the calls since this was last asked."""
        calls, self.calls = self.calls, []
        return calls

    def _record_call(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure("refused by the test")


async def _run_next_hook(steps: deque[CommitHook]) -> None:
    if steps:
        await steps.popleft()()


def fail_with(error: type[Exception]) -> CommitHook:
    """Return a step that raises an error."""

    async def fail() -> None:
        raise error("failed by the test")

    return fail


class FirestoreUsageMeter:
    """Count a client's billed document reads and writes.

    A query or count without results is one read.
    """

    def __init__(self, client: FirestoreClient) -> None:
        self._api = client._firestore_api
        self.client = make_client(client.project, self)
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
            self.reads += 1  # a missing document is billed too
            yield answer

    async def _count_query_results(self, answers: Any) -> AsyncIterator[Any]:
        document_count = 0
        async for answer in answers:
            document_count += "document" in answer
            yield answer
        self.reads += max(document_count, 1)
