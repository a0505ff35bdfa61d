"""Large calls to Firestore wait for a slot of the process, and small ones do not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.cloud.firestore import AsyncDocumentReference

from shared.firestore.raw_client import (
    MAX_CONCURRENT_BULK_CALLS,
    DocumentWrite,
    FirestoreClient,
    FirestoreRpc,
)

_GROUP_SIZE = 100
_RESTAURANTS = 32
_TIMEOUT_SECONDS = 30.0


class PausedFirestore:
    """Stand in for Firestore: calls are counted, and end once `is_open` is set."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.pending_calls = 0
        self.max_pending_calls = 0
        self.document_counts: asyncio.Queue[int] = asyncio.Queue()

    async def commit(self, request: Any, **_options: Any) -> None:
        await self._wait(len(request.writes))

    async def batch_get_documents(self, request: Any, **_options: Any) -> AsyncIterator[Any]:
        # The response of a read is complete only when its stream ends.
        return self._stream(len(request.documents))

    async def wait_for_calls(self, count: int) -> list[int]:
        """Wait for the next calls; return their numbers of documents."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return [await self.document_counts.get() for _ in range(count)]

    async def _stream(self, document_count: int) -> AsyncIterator[Any]:
        await self._wait(document_count)
        return
        yield

    async def _wait(self, document_count: int) -> None:
        self.document_counts.put_nowait(document_count)
        self.pending_calls += 1
        self.max_pending_calls = max(self.max_pending_calls, self.pending_calls)
        await self.is_open.wait()
        # Let the other calls start, as a call that takes time does.
        await asyncio.sleep(0)
        self.pending_calls -= 1


@pytest.fixture
def service() -> PausedFirestore:
    return PausedFirestore()


@pytest.fixture
def rpc(service: PausedFirestore) -> FirestoreRpc:
    api: Any = service
    return FirestoreRpc("projects/p/databases/(default)", api, is_emulator=False)


def list_references(client: FirestoreClient, count: int) -> list[AsyncDocumentReference]:
    return [client.document("reservations", str(number)) for number in range(count)]


async def batch_get(rpc: FirestoreRpc, references: list[AsyncDocumentReference]) -> None:
    await rpc.batch_get(references, 5.0)


async def create(rpc: FirestoreRpc, references: list[AsyncDocumentReference]) -> None:
    writes = [DocumentWrite(reference, {"a": 1}, is_create=True) for reference in references]
    await rpc.commit(writes, 5.0)


calls = pytest.mark.parametrize("call", [batch_get, create], ids=["read", "commit"])


@calls
async def test_groups_of_many_restaurants_wait_for_a_slot(
    call: Any, rpc: FirestoreRpc, service: PausedFirestore, firestore: FirestoreClient
) -> None:
    service.is_open.set()
    references = list_references(firestore, _GROUP_SIZE)
    await asyncio.gather(*(call(rpc, references) for _ in range(_RESTAURANTS)))
    assert service.max_pending_calls == MAX_CONCURRENT_BULK_CALLS
    assert await service.wait_for_calls(_RESTAURANTS) == [_GROUP_SIZE] * _RESTAURANTS


@calls
async def test_a_call_for_one_document_does_not_wait_for_groups(
    call: Any, rpc: FirestoreRpc, service: PausedFirestore, firestore: FirestoreClient
) -> None:
    groups = [
        asyncio.create_task(call(rpc, list_references(firestore, _GROUP_SIZE)))
        for _ in range(_RESTAURANTS)
    ]
    single = asyncio.create_task(call(rpc, list_references(firestore, 1)))
    document_counts = await service.wait_for_calls(MAX_CONCURRENT_BULK_CALLS + 1)
    assert document_counts == [_GROUP_SIZE] * MAX_CONCURRENT_BULK_CALLS + [1]
    service.is_open.set()
    await asyncio.gather(single, *groups)


async def test_a_canceled_group_frees_its_slot(
    rpc: FirestoreRpc, service: PausedFirestore, firestore: FirestoreClient
) -> None:
    references = list_references(firestore, _GROUP_SIZE)
    canceled = [
        asyncio.create_task(batch_get(rpc, references)) for _ in range(MAX_CONCURRENT_BULK_CALLS)
    ]
    await service.wait_for_calls(MAX_CONCURRENT_BULK_CALLS)
    for task in canceled:
        task.cancel()
    await asyncio.gather(*canceled, return_exceptions=True)
    service.is_open.set()
    await batch_get(rpc, references)
    assert await service.wait_for_calls(1) == [_GROUP_SIZE]
