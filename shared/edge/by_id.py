"""Asking OpenTable for single reservations by their ids, several at once."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from shared.core.keys import spellings
from shared.edge.connection import Connection
from shared.errors import OpenTableRefusedError

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
        row = await _spelled(connection, spelling)
        if row is not None:
            return row
    return None


async def _spelled(connection: Connection, open_table_id: str) -> dict[str, Any] | None:
    try:
        return await connection.services.opentable.reservation(
            connection.access, open_table_id, connection.deadline
        )
    except OpenTableRefusedError as refusal:
        # A relay's own id may be none that OpenTable could have issued.
        if refusal.status == HTTPStatus.BAD_REQUEST:
            return None
        raise
