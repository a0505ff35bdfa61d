"""The floors: what Firestore and the server cost with nothing of ours between them.

Served as the bundle is, by the Functions Framework, with Google's own client library used as its
manual says. Each does the least that anyone could do who wants what we want: commit the same two
documents, write the same many in plain batches, or only read them. None looks at what it is
sent, and none judges anything.
"""

import os
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import functions_framework.aio
from google.cloud.firestore import AsyncClient, AsyncCollectionReference, AsyncDocumentReference
from starlette.requests import Request
from starlette.responses import JSONResponse

SAMPLE = "BENCH_SAMPLE"
"""Names the variable that holds the path of a document that the bundle wrote."""

_RPC_SECONDS = 30.0
_LONG_SECONDS = 600.0
_BATCH = 400
_clients: list[AsyncClient] = []
_sample: list[dict[str, Any]] = []


def _client() -> AsyncClient:
    if not _clients:
        _clients.append(AsyncClient(project=os.environ["GOOGLE_CLOUD_PROJECT"]))
    return _clients[0]


@functions_framework.aio.http
async def commit_two(_request: Request) -> JSONResponse:
    """Commit the two documents that the bundle wrote for one event, under new ids."""
    if not _sample:
        _sample.extend(await _read_sample())
    name = uuid.uuid4().hex
    document = _client().document("restaurants", "floor", "reservations", name)
    batch = _client().batch()
    batch.create(document, _sample[0])
    batch.create(document.collection("ledgerEvents").document(name), _sample[1])
    await batch.commit(retry=None, timeout=_RPC_SECONDS)
    return JSONResponse({"status": "created"})


async def _read_sample() -> list[dict[str, Any]]:
    reference = _client().document(os.environ[SAMPLE])
    entries = [found async for found in reference.collection("ledgerEvents").stream()]
    return [(await reference.get()).to_dict() or {}, entries[0].to_dict() or {}]


@functions_framework.aio.http
async def write_plain(request: Request) -> JSONResponse:
    """Write a restaurant's reservations and newest journal entries anew, in plain batches."""
    documents = [found async for found in (await _reservations(request)).stream()]
    newest = [found.reference.collection("ledgerEvents").document(_newest(found.to_dict()))
              for found in documents]  # fmt: skip
    entries = {found.reference.parent.parent.id: found.to_dict()
               async for found in _client().get_all(newest)}  # fmt: skip
    into = _client().collection("restaurants", f"floor-{uuid.uuid4().hex}", "reservations")
    pairs = [(into.document(found.id), found.to_dict()) for found in documents]
    pairs += [(into.document(id_).collection("ledgerEvents").document("newest"), entry)
              for id_, entry in entries.items()]  # fmt: skip
    return await _timed(lambda: _write(pairs))


def _newest(document: dict[str, Any] | None) -> str:
    return f"seq-{(document or {})['sync']['opentable']['version']['sequenceId']}"


async def _write(pairs: list[tuple[AsyncDocumentReference, Any]]) -> int:
    for start in range(0, len(pairs), _BATCH):
        batch = _client().batch()
        for reference, document in pairs[start : start + _BATCH]:
            batch.set(reference, document)
        await batch.commit(retry=None, timeout=_RPC_SECONDS)
    return len(pairs)


@functions_framework.aio.http
async def get_all(request: Request) -> JSONResponse:
    """Read a restaurant's reservations by their names."""
    wanted = [found.reference async for found in (await _reservations(request)).select([]).stream()]

    async def read() -> int:
        found = _client().get_all(wanted, retry=None, timeout=_LONG_SECONDS)
        return sum([snapshot.exists async for snapshot in found])

    return await _timed(read)


@functions_framework.aio.http
async def stream(request: Request) -> JSONResponse:
    """Read a restaurant's whole collection of reservations."""
    reservations = await _reservations(request)

    async def read() -> int:
        found = reservations.stream(retry=None, timeout=_LONG_SECONDS)
        return sum([snapshot.exists async for snapshot in found])

    return await _timed(read)


async def _reservations(request: Request) -> AsyncCollectionReference:
    restaurant_id = (await request.json())["restaurantId"]
    return _client().collection("restaurants", restaurant_id, "reservations")


async def _timed(work: Callable[[], Awaitable[int]]) -> JSONResponse:
    began = time.perf_counter()
    documents = await work()
    return JSONResponse({"seconds": time.perf_counter() - began, "documents": documents})
