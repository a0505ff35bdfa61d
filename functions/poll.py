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
from shared.core.backfill import BackfillStatus
from shared.core.task import POLL, Task
from shared.edge.backfilling import backfill_restaurant
from shared.edge.fan_out import fan_out, queue_for
from shared.edge.opentable.clock import Deadline
from shared.edge.polling import poll_restaurant
from shared.edge.restaurants import enabled_restaurants, for_each
from shared.edge.services import Services

# Each holds a guestbook in memory.
_BACKFILLS_AT_ONCE = 2


class PollOrder(Order, frozen=True, kw_only=True):
    """What a poll is asked for.

    Attributes:
        backfill: Whether nothing but the restaurant's backfill is meant.
    """

    backfill: bool = False

    def __post_init__(self) -> None:
        """Refuse a backfill of no restaurant.

        Raises:
            ValueError: In words for the caller.
        """
        if self.backfill and not self.restaurant_id:
            raise ValueError("backfill goes with restaurantId")


@functions_framework.aio.http
async def opentable_poll(request: Request) -> Response:
    """Poll every enabled restaurant, or the one that the body names.

    Args:
        request: A POST from the scheduler or the queue; body optional, ``{"restaurantId": "…"}``,
            to which ``"backfill": true`` may be added: then its backfill alone is carried on.

    Returns:
        200 with a result a restaurant; 503 where every one of them failed, or where one could
        not be enqueued: the tick is repeated, which enqueues nothing twice.
    """
    return await scheduled(request, PollOrder, _poll)


async def _poll(at_hand: Services, order: PollOrder) -> Answer:
    began = time.monotonic()
    deadline = Deadline.after(at_hand.environment.run_seconds)
    named = [order.restaurant_id] if order.restaurant_id else None
    restaurants = named or await enabled_restaurants(at_hand.firestore)
    queue = None if named else queue_for(at_hand, len(restaurants))
    if queue is not None:
        tasks = [Task(POLL, {"restaurantId": each}, order.tick) for each in restaurants]
        results = await fan_out(queue, tasks, deadline)
        failed = any(result["status"] == "error" for result in results)
    else:
        results = await _poll_here(at_hand, restaurants, order, deadline)
        failed = bool(results) and all(result["status"] == "error" for result in results)
    duration = round((time.monotonic() - began) * 1000)
    body = {"restaurants": len(results), "results": results, "durationMs": duration}
    return Answer(503 if failed else 200, body)


async def _poll_here(
    at_hand: Services, restaurants: list[str], order: PollOrder, deadline: Deadline
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]]
    if order.backfill:
        running = BackfillStatus.RUNNING
        results = [{"restaurantId": i, "status": "ok", "backfill": running} for i in restaurants]
    else:
        poll = partial(poll_restaurant, at_hand, deadline=deadline)
        at_once = at_hand.environment.restaurants_at_once
        results = await for_each(restaurants, at_once, poll, deadline)
    await _backfill(at_hand, results, deadline)
    return results


async def _backfill(at_hand: Services, results: list[dict[str, Any]], deadline: Deadline) -> None:
    """Carry running backfills on, and tell in their restaurants' results how far they are."""
    by_id = {result["restaurantId"]: result for result in results if "backfill" in result}
    run = partial(backfill_restaurant, at_hand, deadline)
    for told in await for_each(list(by_id), _BACKFILLS_AT_ONCE, run, deadline):
        if told["status"] in set(BackfillStatus):
            by_id[told["restaurantId"]]["backfill"] = told["status"]
