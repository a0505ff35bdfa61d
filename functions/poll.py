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
from shared.tasks.fan_out import (
    RestaurantJob,
    compute_start_deadline,
    fan_out,
    log_unreached_restaurants,
    plan_jobs,
    run_for_each_restaurant,
    should_repeat_run,
)
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
    """Poll the restaurants of a request here, or enqueue tasks for them if they are too many.

    Returns 200 and a result per restaurant, or 503 to receive the same request again: the run
    should be repeated (`should_repeat_run`), or a restaurant could not be enqueued. The tasks of a
    repeated tick have the same names, so nothing is enqueued twice.
    """
    started_at = time.monotonic()
    deadline = Deadline.after(context.environment.run_budget_seconds)
    requested_ids = poll_request.requested_ids
    jobs, queue = await plan_jobs(context, POLL_FUNCTION, requested_ids)
    due_jobs = [job for job in jobs if job.is_due]
    if queue is not None:
        template = QueuedTask(POLL_FUNCTION, {}, poll_request.tick)
        group_size = context.environment.restaurants_per_task
        results = await fan_out(queue, template, due_jobs, group_size, deadline)
        is_failed = any(result["status"] == "error" for result in results)
    else:
        results = await _poll_in_process(context, due_jobs, poll_request, deadline)
        is_failed = should_repeat_run(results, is_requested=bool(requested_ids))
    await log_unreached_restaurants(context, POLL_FUNCTION, jobs, results)
    results += [
        {"restaurantId": job.restaurant_id, "status": "skipped", **new_row_counts()}
        for job in jobs
        if not job.is_due
    ]
    duration_ms = round((time.monotonic() - started_at) * 1000)
    body = {"restaurants": len(results), "results": results, "durationMs": duration_ms}
    return JsonResult(503 if is_failed else 200, body)


async def _poll_in_process(
    context: AppContext,
    jobs: list[RestaurantJob],
    poll_request: ScheduledPollRequest,
    deadline: Deadline,
) -> list[dict[str, Any]]:
    restaurant_ids = [job.restaurant_id for job in jobs]
    if poll_request.backfill:
        results: list[dict[str, Any]] = [
            {"restaurantId": restaurant_id, "status": "ok", "backfill": BackfillStatus.RUNNING}
            for restaurant_id in restaurant_ids
        ]
    else:
        settings = {job.restaurant_id: job.prefetched_settings for job in jobs}

        async def poll(restaurant_id: str) -> dict[str, Any]:
            return await poll_restaurant(context, deadline, restaurant_id, settings[restaurant_id])

        max_concurrent = context.environment.max_concurrent_restaurants
        results = await run_for_each_restaurant(
            restaurant_ids, max_concurrent, poll, compute_start_deadline(deadline)
        )
    # Polls come first: they keep today's reservations current.
    await run_backfills(context, results, deadline)
    return results


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
