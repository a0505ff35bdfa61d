"""Many restaurants in one run, several at once, each failing alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter

from shared.edge.opentable.clock import Deadline
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import ServiceUnavailableError

OUT_OF_TIME_ERROR = (
    "The run's time was up before this restaurant's turn: set up the queue, see docs/scale.md."
)
_LIST_TIMEOUT_SECONDS = 60.0


async def list_enabled_restaurants(client: AsyncClient) -> list[str]:
    """Return the ids of the restaurants whose integration is switched on.

    Raises:
        LedgerUnavailableError: When they cannot be listed now.
    """
    integrations = client.collection_group("integrations")
    query = integrations.where(filter=FieldFilter("enabled", "==", value=True)).select(["enabled"])
    try:
        return [
            snapshot.reference.parent.parent.id
            async for snapshot in query.stream(retry=None, timeout=_LIST_TIMEOUT_SECONDS)
            if snapshot.id == "opentable"
        ]
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None


async def run_for_each_restaurant(
    restaurant_ids: list[str],
    max_concurrent: int,
    run: Callable[[str], Awaitable[dict[str, Any]]],
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Run something for every restaurant.

    Args:
        restaurant_ids: Lineup's ids, each once.
        max_concurrent: How many are worked on at the same time.
        run: Does one; it tells its failures in what it returns.
        deadline: Whoever's turn has not come by then is not begun any more.

    Returns:
        A result a restaurant, in their order; a fault of ours in one touches no other.
    """
    results: dict[str, dict[str, Any]] = {}
    remaining_ids = iter(restaurant_ids)

    async def work() -> None:
        for restaurant_id in remaining_ids:
            results[restaurant_id] = await _run_isolated(restaurant_id, run, deadline)

    await asyncio.gather(*(work() for _ in range(max_concurrent)))
    return [results[restaurant_id] for restaurant_id in restaurant_ids]


async def _run_isolated(
    restaurant_id: str, run: Callable[[str], Awaitable[dict[str, Any]]], deadline: Deadline
) -> dict[str, Any]:
    if not deadline.remaining():
        return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
    try:
        return await run(restaurant_id)
    except Exception as error:  # noqa: BLE001 -- one restaurant never stops the others
        name = type(error).__name__
        log_event(Severity.ERROR, LogEvent.INTERNAL_ERROR, restaurantId=restaurant_id, error=name)
        return {"restaurantId": restaurant_id, "status": "error", "error": name}
