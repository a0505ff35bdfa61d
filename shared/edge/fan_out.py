"""Beyond one machine: each restaurant's part of a run becomes a task of a queue."""

from collections.abc import Sequence
from typing import Any

from shared.core.task import QueuedTask
from shared.edge.opentable.clock import Deadline
from shared.edge.restaurants import run_for_each_restaurant
from shared.edge.services import AppContext
from shared.edge.tasks.queue import TaskQueue
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import EnqueueError

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
