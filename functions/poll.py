"""`opentable_poll`: every 15 to 30 minutes, apply what changed at OpenTable and came by no webhook.

The rest of its time budget continues running backfills.
"""

import time
from functools import partial
from typing import Any

import functions_framework.aio
from starlette.requests import Request

from functions.http import (
    JsonResult,
    ScheduledRequest,
    json_function,
    log_failed_run,
    preload_opentable_client,
    read_scheduled_request,
)
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.backfill import BackfillStatus
from shared.domain.validation import InvalidFieldsError
from shared.polling.backfill import backfill_restaurant
from shared.polling.poll import new_row_counts, poll_restaurant
from shared.tasks.fan_out import RestaurantJob, run_for_each_restaurant, run_restaurants
from shared.tasks.queue import POLL_FUNCTION, QueuedTask

# Each backfill keeps the restaurant's guests in memory.
_MAX_CONCURRENT_BACKFILLS = 2


class ScheduledPollRequest(ScheduledRequest, frozen=True, kw_only=True):
    """The body of a poll's request.

    Attributes:
        backfill: Continue the backfill of `restaurant_id` without a poll.
    """

    backfill: bool = False

    def __post_init__(self) -> None:
        """Reject a backfill without a restaurant."""
        super().__post_init__()
        if self.backfill and not self.restaurant_id:
            raise InvalidFieldsError({"backfill": "backfill goes with restaurantId"})


@functions_framework.aio.http
@json_function(log_failed_run)
async def opentable_poll(request: Request, context: AppContext) -> JsonResult:
    """Poll every enabled restaurant that is due, or the ones in the body."""
    poll_request = await read_scheduled_request(request, context, ScheduledPollRequest)
    async with preload_opentable_client():
        return await poll_restaurants(context, poll_request)


async def poll_restaurants(context: AppContext, poll_request: ScheduledPollRequest) -> JsonResult:
    """Poll the restaurants of a request here, or enqueue tasks for them (`run_restaurants`).

    Returns 200 and a result per restaurant, or 503 to receive the same request again.
    """
    started_at = time.monotonic()
    deadline = Deadline.after(context.environment.run_budget_seconds)

    async def poll(job: RestaurantJob) -> dict[str, Any]:
        if poll_request.backfill:
            return {
                "restaurantId": job.restaurant_id,
                "status": "ok",
                "backfill": BackfillStatus.RUNNING,
            }
        return await poll_restaurant(context, deadline, job.restaurant_id, job.prefetched_settings)

    template = QueuedTask(POLL_FUNCTION, {}, poll_request.tick)
    run = await run_restaurants(context, template, poll_request.requested_ids, poll, deadline)
    # Polls come first: they keep today's reservations current.
    await run_backfills(context, run.results, deadline)
    results = run.results + [
        {"restaurantId": restaurant_id, "status": "skipped", **new_row_counts()}
        for restaurant_id in run.waiting_ids
    ]
    duration_ms = round((time.monotonic() - started_at) * 1000)
    body = {"restaurants": len(results), "results": results, "durationMs": duration_ms}
    return JsonResult(503 if run.is_failed else 200, body)


async def run_backfills(
    context: AppContext, results: list[dict[str, Any]], deadline: Deadline
) -> None:
    """Continue the backfills in the results and update their status there."""
    results_by_id = {result["restaurantId"]: result for result in results if "backfill" in result}
    run = partial(backfill_restaurant, context, deadline)
    for backfill_result in await run_for_each_restaurant(
        list(results_by_id), _MAX_CONCURRENT_BACKFILLS, run, deadline
    ):
        # A skipped or failed step has no status of a backfill: it stays RUNNING.
        result = results_by_id[backfill_result["restaurantId"]]
        if backfill_result["status"] in set(BackfillStatus):
            result["backfill"] = backfill_result["status"]
        elif backfill_result["status"] == "disabled":
            result["status"] = "disabled"
