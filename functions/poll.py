"""``opentable_poll``: the safety net under the webhooks, every 15 to 30 minutes.

What is left of its budget carries running backfills on.
"""

import time
from functools import partial
from typing import Any

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.http import Answer
from functions.scheduled import Order, scheduled
from shared.edge.backfilling import backfill_restaurant
from shared.edge.opentable.clock import Deadline
from shared.edge.polling import poll_restaurant
from shared.edge.restaurants import enabled_restaurants, for_each
from shared.edge.services import Services

# Each holds a guestbook in memory.
_BACKFILLS_AT_ONCE = 2


@functions_framework.aio.http
async def opentable_poll(request: Request) -> Response:
    """Poll every enabled restaurant, or the one that the body names.

    Args:
        request: A POST from the scheduler; body optional, ``{"restaurantId": "…"}``.

    Returns:
        200 with a result a restaurant; 503 only where every one of them failed.
    """
    return await scheduled(request, Order, _poll)


async def _poll(at_hand: Services, order: Order) -> Answer:
    began = time.monotonic()
    deadline = Deadline.after(at_hand.environment.run_seconds)
    named = [order.restaurant_id] if order.restaurant_id else None
    restaurants = named or await enabled_restaurants(at_hand.firestore)
    at_once = at_hand.environment.restaurants_at_once
    results = await for_each(restaurants, at_once, partial(poll_restaurant, at_hand))
    await _backfill(at_hand, results, deadline)
    failed = bool(results) and all(result["status"] == "error" for result in results)
    duration = round((time.monotonic() - began) * 1000)
    body = {"restaurants": len(results), "results": results, "durationMs": duration}
    return Answer(503 if failed else 200, body)


async def _backfill(at_hand: Services, results: list[dict[str, Any]], deadline: Deadline) -> None:
    """Carry running backfills on, and tell in their restaurants' results how far they are."""
    by_id = {result["restaurantId"]: result for result in results if "backfill" in result}
    run = partial(backfill_restaurant, at_hand, deadline)
    for told in await for_each(list(by_id), _BACKFILLS_AT_ONCE, run):
        by_id[told["restaurantId"]]["backfill"] = told["status"]
