"""Asking OpenTable for single reservations by their ids, several at once."""

import asyncio
from collections.abc import Iterable
from typing import Any

from shared.core.keys import list_id_spellings
from shared.edge.connection import RestaurantContext

_MAX_CONCURRENT_FETCHES = 8


async def fetch_reservations_by_id(
    restaurant: RestaurantContext, open_table_ids: Iterable[str]
) -> list[dict[str, Any] | None]:
    """Return OpenTable's rows of some ids, in their order; None where it has none.

    Args:
        restaurant: To the restaurant's book.
        open_table_ids: As OpenTable writes them, or as a relay named them.

    Raises:
        OpenTableError: When OpenTable could not be asked about one of them.
    """
    semaphore = asyncio.Semaphore(_MAX_CONCURRENT_FETCHES)

    async def fetch(open_table_id: str) -> dict[str, Any] | None:
        async with semaphore:
            return await _fetch_reservation(restaurant, open_table_id)

    return await asyncio.gather(*map(fetch, open_table_ids))


async def _fetch_reservation(
    restaurant: RestaurantContext, open_table_id: str
) -> dict[str, Any] | None:
    for spelling in list_id_spellings(open_table_id, restaurant.access.rid):
        row = await restaurant.context.opentable.fetch_reservation(
            restaurant.access, spelling, restaurant.deadline
        )
        if row is not None:
            return row
    return None
