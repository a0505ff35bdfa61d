"""A restaurant's day out of the ledger, and a tag by which an unchanged one costs two reads."""

import hashlib
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter, Or
from msgspec import Struct

from shared.edge import paths
from shared.edge.reading import count, read_some

MOST_RESERVATIONS = 2_000
MOST_INCOMPLETE = 200

Document = dict[str, Any]


class DayRead(Struct, frozen=True):
    """A day as Firestore held it.

    Attributes:
        dated: Document id to document, of the reservations on that day.
        undated: The same, of those whose time is not known yet.
    """

    dated: dict[str, Document]
    undated: dict[str, Document]


async def day_tag(client: AsyncClient, restaurant_id: str, date: str, zone: str) -> str:
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
    on_it = FieldFilter("localDate", "==", date)
    undated = FieldFilter("localDate", "==", value=None)
    concerned = paths.reservations(client, restaurant_id).where(filter=Or([on_it, undated]))
    newest_first = concerned.order_by("updatedAt", direction=AsyncQuery.DESCENDING)
    newest = await read_some(newest_first.select(["updatedAt"]), 1)
    written = [(snapshot.id, str(snapshot.update_time)) for snapshot in newest]
    content = repr((date, zone, written, await count(concerned)))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


async def read_day(client: AsyncClient, restaurant_id: str, date: str) -> DayRead:
    """Read the reservations of a day, and those whose day is not known yet.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        date: The local date, ``YYYY-MM-DD``.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    reservations = paths.reservations(client, restaurant_id)
    on_it = reservations.where(filter=FieldFilter("localDate", "==", date))
    undated = reservations.where(filter=FieldFilter("localDate", "==", value=None))
    return DayRead(await _read(on_it, MOST_RESERVATIONS), await _read(undated, MOST_INCOMPLETE))


async def _read(query: AsyncQuery, most: int) -> dict[str, Document]:
    return {found.id: found.to_dict() or {} for found in await read_some(query, most)}
