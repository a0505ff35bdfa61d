"""The ledger's side of a run: marks of what is held in a window, and whom nobody joined yet."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter

from shared.core.comparison import COMPARED_FIELDS, ReservationFingerprint, fingerprint_document
from shared.core.document import flatten_document
from shared.core.keys import build_guest_key
from shared.core.patterns import RollupBuilder
from shared.core.visits import ANALYTICS_FIELDS
from shared.core.window import DateWindow
from shared.edge import paths
from shared.edge.calls import FirestoreRpc
from shared.edge.opentable.clock import Deadline
from shared.errors import ServiceUnavailableError


async def load_ledger_window(
    client: AsyncClient,
    restaurant_id: str,
    window: DateWindow,
    deadline: Deadline,
    rollup_builder: RollupBuilder,
) -> dict[str, ReservationFingerprint]:
    """Return a mark by external key for all that is held in a window, or without a start.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger.
        window: Local dates.
        deadline: Bounds the reading.
        rollup_builder: Counts what is read, Lineup's own reservations too.

    Raises:
        LedgerUnavailableError: When it could not be read whole.
    """
    reservations = paths.reservations_collection(client, restaurant_id).select(
        {*COMPARED_FIELDS, *ANALYTICS_FIELDS}
    )
    in_window = reservations.where(
        filter=FieldFilter("localDate", ">=", window.start.isoformat())
    ).where(filter=FieldFilter("localDate", "<=", window.end.isoformat()))
    undated = reservations.where(filter=FieldFilter("startAt", "==", value=None))
    fingerprints: dict[str, ReservationFingerprint] = {}

    async def read_query(query: AsyncQuery) -> None:
        async for document in stream_reservation_documents(client, restaurant_id, query, deadline):
            facts = rollup_builder.add_document(document)
            source = document.get("source") or {}
            if source.get("system") == "OPENTABLE":
                fingerprints[source["externalReservationId"]] = fingerprint_document(
                    document, facts
                )

    tasks = [asyncio.create_task(read_query(query)) for query in (in_window, undated)]
    try:
        await asyncio.gather(*tasks)
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    finally:
        for task in tasks:
            task.cancel()
    return fingerprints


async def read_unlinked_guest_ids(
    client: AsyncClient, restaurant_id: str, rid: str, deadline: Deadline
) -> dict[str, str]:
    """Return the guest's id of every reservation that names a guest and shows none, by key.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger, read whole.
        rid: The restaurant's OpenTable number.
        deadline: Bounds the reading.

    Raises:
        LedgerUnavailableError: When it could not be read whole.
    """
    guest_ids: dict[str, str] = {}
    reservations = paths.reservations_collection(client, restaurant_id).select(
        ("source", "sync.guest")
    )
    try:
        async for document in stream_reservation_documents(
            client, restaurant_id, reservations, deadline
        ):
            flat = flatten_document(document)
            guest_id = flat.get("source.guestId")
            if guest_id and not flat.get("sync.guest") and build_guest_key(guest_id, rid):
                guest_ids[flat["source.externalReservationId"]] = guest_id
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return guest_ids


def stream_reservation_documents(
    client: AsyncClient, restaurant_id: str, query: AsyncQuery, deadline: Deadline
) -> AsyncIterator[dict[str, Any]]:
    """Return the fields of a restaurant's reservations that a query finds, as they come.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger.
        query: The query.
        deadline: Bounds the reading.

    Raises:
        google.api_core.exceptions.GoogleAPIError: When they could not all be read.
    """
    restaurant = client.document("restaurants", restaurant_id)
    return FirestoreRpc(client).run_query(restaurant, query, deadline.remaining())
