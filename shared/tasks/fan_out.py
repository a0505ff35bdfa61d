"""One job for many restaurants: run it here for several at a time, or enqueue a task for each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from google.cloud.firestore import AsyncClient, FieldFilter

from shared.concurrency import Deadline, gather_bounded
from shared.context import AppContext
from shared.errors import EnqueueError
from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.tasks.queue import QueuedTask, TaskQueue

MAX_CONCURRENT_ENQUEUES = 50
OUT_OF_TIME_ERROR = (
    "The run ended before this restaurant's turn: set up the queue, see docs/scale.md."
)


async def list_enabled_restaurants(client: AsyncClient) -> list[str]:
    """Return Lineup's ids of the restaurants with an enabled integration."""
    integrations = client.collection_group("integrations")
    query = integrations.where(filter=FieldFilter("enabled", "==", value=True)).select(["enabled"])
    with translate_firestore_errors():
        return [
            snapshot.reference.parent.parent.id
            async for snapshot in query.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)
            if snapshot.id == "opentable"
        ]


def select_queue(context: AppContext, restaurant_count: int) -> TaskQueue | None:
    """Return the queue for a run with too many restaurants for one invocation, else None."""
    return context.queue if restaurant_count > context.environment.fan_out_threshold else None


def should_repeat_run(results: Sequence[Mapping[str, Any]], *, is_single: bool) -> bool:
    """Return whether the scheduler or the queue should send the same request again.

    It should if every restaurant failed: otherwise the good ones would run again. A request for a
    single restaurant is not repeated after a failure that needs a person, because Cloud Tasks slows
    down the whole queue when tasks fail.
    """
    failures = [result for result in results if result["status"] in {"error", "FAILED"}]
    if is_single:
        return any(failure.get("retryable", True) for failure in failures)
    return bool(failures) and len(failures) == len(results)


async def fan_out(
    queue: TaskQueue, tasks: Sequence[QueuedTask], deadline: Deadline
) -> list[dict[str, Any]]:
    """Enqueue one task per restaurant, all of one function; return ``queued`` or ``error`` each.

    If the scheduler repeats the run, only the tasks that failed are enqueued again.
    """
    tasks_by_restaurant = {str(task.body["restaurantId"]): task for task in tasks}

    async def enqueue(restaurant_id: str) -> dict[str, Any]:
        try:
            await queue.enqueue(tasks_by_restaurant[restaurant_id])
        except EnqueueError as error:
            return {"restaurantId": restaurant_id, "status": "error", "error": str(error)}
        return {"restaurantId": restaurant_id, "status": "queued"}

    results = await run_for_each_restaurant(
        list(tasks_by_restaurant), MAX_CONCURRENT_ENQUEUES, enqueue, deadline
    )
    errors = [result["error"] for result in results if result["status"] == "error"]
    log_event(
        Severity.ERROR if errors else Severity.INFO,
        LogEvent.RUN_QUEUED,
        function=tasks[0].function_name,
        queued=len(results) - len(errors),
        failed=len(errors),
        error=errors[0] if errors else None,
    )
    return results


async def run_for_each_restaurant(
    restaurant_ids: list[str],
    max_concurrent: int,
    run: Callable[[str], Awaitable[dict[str, Any]]],
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Run a job for each restaurant and return the results in the same order.

    A job that raises gives the status ``error``. After the deadline no further job starts.
    """

    async def run_isolated(restaurant_id: str) -> dict[str, Any]:
        if not deadline.remaining():
            return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
        try:
            return await run(restaurant_id)
        except Exception as error:  # noqa: BLE001 -- a bug in one restaurant must not stop the others
            log_internal_error(error, restaurant_id)
            return {"restaurantId": restaurant_id, "status": "error", "error": type(error).__name__}

    return await gather_bounded(max_concurrent, run_isolated, restaurant_ids)
