"""Measure the cost of Firestore and the server without the product.

The Functions Framework serves these functions, as it serves the product. They use Google's client
library and do the minimum: commit the same two documents, write as many documents in batches, or
only read them. They neither parse nor decide.
"""

import os
import time
import uuid
from typing import Any

import functions_framework.aio
from google.cloud.firestore import AsyncClient, AsyncCollectionReference, AsyncDocumentReference
from starlette.requests import Request
from starlette.responses import JSONResponse

# Environment variable with the path of a document that the product wrote.
SAMPLE_DOCUMENT_VARIABLE = "BENCH_SAMPLE"
_RPC_TIMEOUT_SECONDS = 30.0
_STREAM_TIMEOUT_SECONDS = 600.0
_BATCH_SIZE = 400
_clients: list[AsyncClient] = []
_sample_documents: list[dict[str, Any]] = []


def _get_client() -> AsyncClient:
    if not _clients:
        _clients.append(AsyncClient(project=os.environ["GOOGLE_CLOUD_PROJECT"]))
    return _clients[0]


@functions_framework.aio.http
async def commit_two(_request: Request) -> JSONResponse:
    """Commit the two documents of one event under new ids."""
    if not _sample_documents:
        reference = _get_client().document(os.environ[SAMPLE_DOCUMENT_VARIABLE])
        entries = [entry async for entry in reference.collection("ledgerEvents").stream()]
        reservation = await reference.get()
        _sample_documents.extend([reservation.to_dict() or {}, entries[0].to_dict() or {}])
    name = uuid.uuid4().hex
    document = _get_client().document("restaurants", "floor", "reservations", name)
    batch = _get_client().batch()
    batch.create(document, _sample_documents[0])
    batch.create(document.collection("ledgerEvents").document(name), _sample_documents[1])
    await batch.commit(retry=None, timeout=_RPC_TIMEOUT_SECONDS)
    return JSONResponse({"status": "created"})


@functions_framework.aio.http
async def write_plain(request: Request) -> JSONResponse:
    """Rewrite a restaurant's reservations and latest journal entries in batches."""
    documents = [snapshot async for snapshot in (await _get_reservations(request)).stream()]
    newest = [
        snapshot.reference.collection("ledgerEvents").document(
            f"seq-{(snapshot.to_dict() or {})['sync']['opentable']['version']['sequenceId']}"
        )
        for snapshot in documents
    ]
    entries = {snapshot.reference.parent.parent.id: snapshot.to_dict()
               async for snapshot in _get_client().get_all(newest)}  # fmt: skip
    target = _get_client().collection("restaurants", f"floor-{uuid.uuid4().hex}", "reservations")
    pairs: list[tuple[AsyncDocumentReference, Any]] = [
        (target.document(snapshot.id), snapshot.to_dict()) for snapshot in documents
    ]
    pairs += [(target.document(id_).collection("ledgerEvents").document("newest"), entry)
              for id_, entry in entries.items()]  # fmt: skip

    started = time.perf_counter()
    for start in range(0, len(pairs), _BATCH_SIZE):
        batch = _get_client().batch()
        for reference, document in pairs[start : start + _BATCH_SIZE]:
            batch.set(reference, document)
        await batch.commit(retry=None, timeout=_RPC_TIMEOUT_SECONDS)
    return _build_response(started, len(pairs))


@functions_framework.aio.http
async def get_all(request: Request) -> JSONResponse:
    """Read a restaurant's reservations by their names."""
    references = [
        document.reference
        async for document in (await _get_reservations(request)).select([]).stream()
    ]

    started = time.perf_counter()
    snapshots = _get_client().get_all(references, retry=None, timeout=_STREAM_TIMEOUT_SECONDS)
    return _build_response(started, sum([snapshot.exists async for snapshot in snapshots]))


@functions_framework.aio.http
async def stream(request: Request) -> JSONResponse:
    """Read a restaurant's reservations collection."""
    reservations = await _get_reservations(request)
    started = time.perf_counter()
    snapshots = reservations.stream(retry=None, timeout=_STREAM_TIMEOUT_SECONDS)
    return _build_response(started, sum([snapshot.exists async for snapshot in snapshots]))


async def _get_reservations(request: Request) -> AsyncCollectionReference:
    restaurant_id = (await request.json())["restaurantId"]
    return _get_client().collection("restaurants", restaurant_id, "reservations")


def _build_response(started: float, documents: int) -> JSONResponse:
    return JSONResponse({"seconds": time.perf_counter() - started, "documents": documents})
