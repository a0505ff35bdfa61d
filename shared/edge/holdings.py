"""The ledger's side of a run: marks of what is held in a window, and whom nobody joined yet."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter

from shared.core.comparison import COMPARED, Mark, mark_of
from shared.core.document import flatten
from shared.core.keys import guest_key
from shared.core.patterns import Tally
from shared.core.visits import FACTS
from shared.core.window import Window
from shared.edge import paths
from shared.edge.calls import Calls
from shared.edge.opentable.clock import Deadline
from shared.errors import LedgerUnavailableError


async def read_holdings(
    client: AsyncClient, restaurant_id: str, window: Window, deadline: Deadline, tally: Tally
) -> dict[str, Mark]:
    """Return a mark by external key for all that is held in a window, or without a start.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose ledger.
        window: Local dates.
        deadline: Bounds the reading.
        tally: Counts what is read, Lineup's own reservations too.

    Raises:
        LedgerUnavailableError: When it could not be read whole.
    """
    reservations = paths.reservations(client, restaurant_id).select({*COMPARED, *FACTS})
    in_window = reservations.where(
        filter=FieldFilter("localDate", ">=", window.start.isoformat())
    ).where(filter=FieldFilter("localDate", "<=", window.end.isoformat()))
    undated = reservations.where(filter=FieldFilter("startAt", "==", value=None))
    marks: dict[str, Mark] = {}

    async def take(query: AsyncQuery) -> None:
        async for document in held_documents(client, restaurant_id, query, deadline):
            visit = tally.take(document)
            source = document.get("source") or {}
            if source.get("system") == "OPENTABLE":
                marks[source["externalReservationId"]] = mark_of(document, visit)

    taking = [asyncio.create_task(take(query)) for query in (in_window, undated)]
    try:
        await asyncio.gather(*taking)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    finally:
        for each in taking:
            each.cancel()
    return marks


async def read_unjoined(
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
    unjoined: dict[str, str] = {}
    reservations = paths.reservations(client, restaurant_id).select(("source", "sync.guest"))
    try:
        async for document in held_documents(client, restaurant_id, reservations, deadline):
            flat = flatten(document)
            guest_id = flat.get("source.guestId")
            if guest_id and not flat.get("sync.guest") and guest_key(guest_id, rid):
                unjoined[flat["source.externalReservationId"]] = guest_id
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return unjoined


def held_documents(
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
    return Calls(client).stream(restaurant, query, deadline.remaining())
