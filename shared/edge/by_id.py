"""Asking OpenTable for single reservations by their ids, several at once."""

import asyncio
from collections.abc import Iterable
from typing import Any

from shared.core.keys import spellings
from shared.edge.connection import Connection

_AT_ONCE = 8


async def fetch_by_id(
    connection: Connection, open_table_ids: Iterable[str]
) -> list[dict[str, Any] | None]:
    """Return OpenTable's rows of some ids, in their order; None where it has none.

    Args:
        connection: To the restaurant's book.
        open_table_ids: As OpenTable writes them, or as a relay named them.

    Raises:
        OpenTableError: When OpenTable could not be asked about one of them.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(open_table_id: str) -> dict[str, Any] | None:
        async with places:
            return await _reservation(connection, open_table_id)

    return await asyncio.gather(*map(fetch, open_table_ids))


async def _reservation(connection: Connection, open_table_id: str) -> dict[str, Any] | None:
    for spelling in spellings(open_table_id, connection.access.rid):
        row = await connection.services.opentable.reservation(
            connection.access, spelling, connection.deadline
        )
        if row is not None:
            return row
    return None
