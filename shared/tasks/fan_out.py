"""One job for many restaurants: run it here for several at a time, or enqueue tasks for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from shared.concurrency import Deadline, gather_bounded
from shared.errors import EnqueueError
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.tasks.queue import QueuedTask, TaskQueue
from shared.tasks.turns import OUT_OF_TIME_ERROR, RestaurantTurn

MAX_CONCURRENT_ENQUEUES = 50


def compute_start_deadline(deadline: Deadline) -> Deadline:
    """Return when the last restaurant of a run may begin: each has half of the time or more.

    A restaurant begun later could be cut off at every run, always the same one.
    """
    return deadline.within(deadline.remaining() / 2)


def should_repeat_run(results: Sequence[Mapping[str, Any]], *, is_requested: bool) -> bool:
    """Return whether the scheduler or the queue should send the same request again.

    It should if every restaurant failed: otherwise the good ones would run again. A request for
    some restaurants is not repeated after failures that need a person, because Cloud Tasks slows
    down the queue when tasks fail.
    """
    failures = [result for result in results if result["status"] in {"error", "FAILED"}]
    if not failures or len(failures) < len(results):
        return False
    return not is_requested or any(failure.get("retryable", True) for failure in failures)


async def fan_out(
    queue: TaskQueue,
    template: QueuedTask,
    turns: Sequence[RestaurantTurn],
    restaurants_per_task: int,
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Enqueue tasks for all restaurants; return ``queued`` or ``error`` for each restaurant.

    If the scheduler repeats the run, only the tasks that failed are enqueued again. `template` is
    a task without its restaurants.
    """
    if not turns:
        return []
    ids = [turn.restaurant_id for turn in turns]
    starts = range(0, len(ids), restaurants_per_task)
    groups = {ids[start]: ids[start : start + restaurants_per_task] for start in starts}

    async def enqueue(first_id: str) -> dict[str, Any]:
        restaurants: dict[str, object] = {"restaurantIds": groups[first_id]}
        if restaurants_per_task == 1:
            restaurants = {"restaurantId": first_id}
        try:
            await queue.enqueue(replace(template, body={**restaurants, **template.body}))
        except EnqueueError as error:
            return {"status": "error", "error": str(error)}
        return {"status": "queued"}

    outcomes = await run_for_each_restaurant(
        list(groups), MAX_CONCURRENT_ENQUEUES, enqueue, deadline
    )
    results = [
        {**outcome, "restaurantId": restaurant_id}
        for group, outcome in zip(groups.values(), outcomes, strict=True)
        for restaurant_id in group
    ]
    errors = [result["error"] for result in results if result["status"] == "error"]
    log_event(
        Severity.ERROR if errors else Severity.INFO,
        LogEvent.RUN_QUEUED,
        function=template.function_name,
        queued=len(results) - len(errors),
        failed=len(errors),
        error=errors[0] if errors else None,
    )
    return results


async def run_for_each_restaurant(
    restaurant_ids: list[str],
    max_concurrent: int,
    run: Callable[[str], Awaitable[dict[str, Any]]],
    start_deadline: Deadline,
) -> list[dict[str, Any]]:
    """Run a job for each restaurant and return the results in the same order.

    A job that raises gives the status ``error``. After `start_deadline` no further job starts.
    """

    async def run_isolated(restaurant_id: str) -> dict[str, Any]:
        if not start_deadline.remaining():
            return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
        try:
            return await run(restaurant_id)
        except Exception as error:  # noqa: BLE001 -- a bug in one restaurant must not stop the others
            log_internal_error(error, restaurant_id)
            return {"restaurantId": restaurant_id, "status": "error", "error": type(error).__name__}

    return await gather_bounded(max_concurrent, run_isolated, restaurant_ids)
