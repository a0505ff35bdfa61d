"""A restaurant's day out of the ledger, and a tag by which an unchanged one costs two reads."""

import hashlib
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter, Or
from msgspec import Struct

from shared.edge import paths
from shared.edge.reading import count_documents, read_documents

MAX_DAY_RESERVATIONS = 2_000
MAX_UNDATED_RESERVATIONS = 200

DocumentData = dict[str, Any]


class DayReservations(Struct, frozen=True):
    """A day as Firestore held it.

    Attributes:
        dated: Document id to document, of the reservations on that day.
        undated: The same, of those whose time is not known yet.
    """

    dated: dict[str, DocumentData]
    undated: dict[str, DocumentData]


async def compute_day_etag(client: AsyncClient, restaurant_id: str, date: str, zone: str) -> str:
    """Return a text that changes whenever what a day shows does, at the price of two reads.

    A document that comes or changes is the newest; one that leaves changes the count.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        date: The local date, ``YYYY-MM-DD``.
        zone: The zone's name, in which times are shown.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    on_date = FieldFilter("localDate", "==", date)
    undated = FieldFilter("localDate", "==", value=None)
    day_query = paths.reservations_collection(client, restaurant_id).where(
        filter=Or([on_date, undated])
    )
    newest_first_query = day_query.order_by("updatedAt", direction=AsyncQuery.DESCENDING)
    newest_snapshots = await read_documents(newest_first_query.select(["updatedAt"]), 1)
    newest_writes = [(snapshot.id, str(snapshot.update_time)) for snapshot in newest_snapshots]
    content = repr((date, zone, newest_writes, await count_documents(day_query)))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


async def read_day_reservations(
    client: AsyncClient, restaurant_id: str, date: str
) -> DayReservations:
    """Read the reservations of a day, and those whose day is not known yet.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        date: The local date, ``YYYY-MM-DD``.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    reservations = paths.reservations_collection(client, restaurant_id)
    on_date = reservations.where(filter=FieldFilter("localDate", "==", date))
    undated = reservations.where(filter=FieldFilter("localDate", "==", value=None))
    return DayReservations(
        await _read_documents(on_date, MAX_DAY_RESERVATIONS),
        await _read_documents(undated, MAX_UNDATED_RESERVATIONS),
    )


async def _read_documents(query: AsyncQuery, limit: int) -> dict[str, DocumentData]:
    return {
        snapshot.id: snapshot.to_dict() or {} for snapshot in await read_documents(query, limit)
    }
