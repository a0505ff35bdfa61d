"""``opentable_poll``: the safety net under the webhooks, every 15 to 30 minutes.

What is left of its budget carries running backfills on.
"""

import time
from functools import partial
from typing import Any

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.http import JsonResult
from functions.scheduled import ScheduledRequest, handle_scheduled_request
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.backfill import BackfillStatus
from shared.polling.backfill import backfill_restaurant
from shared.polling.poll import poll_restaurant
from shared.tasks.fan_out import (
    fan_out,
    list_enabled_restaurants,
    run_for_each_restaurant,
    select_queue,
)
from shared.tasks.queue import POLL_FUNCTION, QueuedTask

# Each holds a guestbook in memory.
_MAX_CONCURRENT_BACKFILLS = 2


class ScheduledPollRequest(ScheduledRequest, frozen=True, kw_only=True):
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
    return await handle_scheduled_request(request, ScheduledPollRequest, _poll_restaurants)


async def _poll_restaurants(context: AppContext, poll_request: ScheduledPollRequest) -> JsonResult:
    started_at = time.monotonic()
    deadline = Deadline.after(context.environment.run_budget_seconds)
    requested_ids = [poll_request.restaurant_id] if poll_request.restaurant_id else None
    restaurant_ids = requested_ids or await list_enabled_restaurants(context.firestore)
    queue = None if requested_ids else select_queue(context, len(restaurant_ids))
    if queue is not None:
        tasks = [
            QueuedTask(POLL_FUNCTION, {"restaurantId": restaurant_id}, poll_request.tick)
            for restaurant_id in restaurant_ids
        ]
        results = await fan_out(queue, tasks, deadline)
        failed = any(result["status"] == "error" for result in results)
    else:
        results = await _poll_in_process(context, restaurant_ids, poll_request, deadline)
        failed = bool(results) and all(result["status"] == "error" for result in results)
    duration = round((time.monotonic() - started_at) * 1000)
    body = {"restaurants": len(results), "results": results, "durationMs": duration}
    return JsonResult(503 if failed else 200, body)


async def _poll_in_process(
    context: AppContext,
    restaurant_ids: list[str],
    poll_request: ScheduledPollRequest,
    deadline: Deadline,
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]]
    if poll_request.backfill:
        running = BackfillStatus.RUNNING
        results = [
            {"restaurantId": restaurant_id, "status": "ok", "backfill": running}
            for restaurant_id in restaurant_ids
        ]
    else:
        poll = partial(poll_restaurant, context, deadline)
        max_concurrent = context.environment.max_concurrent_restaurants
        results = await run_for_each_restaurant(restaurant_ids, max_concurrent, poll, deadline)
    await _run_backfills(context, results, deadline)
    return results


async def _run_backfills(
    context: AppContext, results: list[dict[str, Any]], deadline: Deadline
) -> None:
    """Carry running backfills on, and tell in their restaurants' results how far they are."""
    results_by_id = {result["restaurantId"]: result for result in results if "backfill" in result}
    run = partial(backfill_restaurant, context, deadline)
    for backfill_result in await run_for_each_restaurant(
        list(results_by_id), _MAX_CONCURRENT_BACKFILLS, run, deadline
    ):
        if backfill_result["status"] in set(BackfillStatus):
            results_by_id[backfill_result["restaurantId"]]["backfill"] = backfill_result["status"]
