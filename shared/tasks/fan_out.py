"""Many restaurants in one run, several at once, each failing alone.

Beyond one machine: each restaurant's part of a run becomes a task of a queue.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from google.cloud.firestore import AsyncClient, FieldFilter

from shared.concurrency import Deadline, gather_bounded
from shared.context import AppContext
from shared.errors import EnqueueError
from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.log import LogEvent, Severity, log_event
from shared.tasks.queue import QueuedTask, TaskQueue

OUT_OF_TIME_ERROR = (
    "The run's time was up before this restaurant's turn: set up the queue, see docs/scale.md."
)


async def list_enabled_restaurants(client: AsyncClient) -> list[str]:
    """Return the ids of the restaurants whose integration is switched on.

    Raises:
        LedgerUnavailableError: When they cannot be listed now.
    """
    integrations = client.collection_group("integrations")
    query = integrations.where(filter=FieldFilter("enabled", "==", value=True)).select(["enabled"])
    with translate_firestore_errors():
        return [
            snapshot.reference.parent.parent.id
            async for snapshot in query.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)
            if snapshot.id == "opentable"
        ]


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

    async def run_isolated(restaurant_id: str) -> dict[str, Any]:
        if not deadline.remaining():
            return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
        try:
            return await run(restaurant_id)
        except Exception as error:  # noqa: BLE001 -- one restaurant never stops the others
            name = type(error).__name__
            log_event(
                Severity.ERROR, LogEvent.INTERNAL_ERROR, restaurantId=restaurant_id, error=name
            )
            return {"restaurantId": restaurant_id, "status": "error", "error": name}

    return await gather_bounded(max_concurrent, run_isolated, restaurant_ids)


MAX_CONCURRENT_ENQUEUES = 50


def select_queue(context: AppContext, restaurant_count: int) -> TaskQueue | None:
    """Return the queue where these are too many restaurants for one invocation, else None."""
    return context.queue if restaurant_count > context.environment.fan_out_threshold else None


async def fan_out(
    queue: TaskQueue, tasks: Sequence[QueuedTask], deadline: Deadline
) -> list[dict[str, Any]]:
    """Enqueue tasks, several at once, each failing alone.

    Args:
        queue: Takes them.
        tasks: One a restaurant, all of one function.
        deadline: Bounds the enqueueing.

    Returns:
        A result a restaurant, ``queued`` or ``error``. A repetition of the same tick enqueues
        what this one could not, and nothing twice.
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
    _log_queued_run(tasks[0].function_name, results)
    return results


def _log_queued_run(function: str, results: list[dict[str, Any]]) -> None:
    failed = [result["error"] for result in results if result["status"] == "error"]
    log_event(
        Severity.ERROR if failed else Severity.INFO,
        LogEvent.RUN_QUEUED,
        function=function,
        queued=len(results) - len(failed),
        failed=len(failed),
        error=failed[0] if failed else None,
    )
