"""Beyond one machine: each restaurant's part of a run becomes a task of a queue."""

from collections.abc import Sequence
from typing import Any

from shared.core.task import Task
from shared.edge.opentable.clock import Deadline
from shared.edge.restaurants import for_each
from shared.edge.services import Services
from shared.edge.tasks.queue import Queue
from shared.edge.telemetry import Event, Severity, log
from shared.errors import QueueError

AT_ONCE = 50


def queue_for(services: Services, restaurants: int) -> Queue | None:
    """Return the queue where these are too many restaurants for one invocation, else None."""
    return services.queue if restaurants > services.environment.fan_out_above else None


async def fan_out(queue: Queue, tasks: Sequence[Task], deadline: Deadline) -> list[dict[str, Any]]:
    """Enqueue tasks, several at once, each failing alone.

    Args:
        queue: Takes them.
        tasks: One a restaurant, all of one function.
        deadline: Bounds the enqueueing.

    Returns:
        A result a restaurant, ``queued`` or ``error``. A repetition of the same tick enqueues
        what this one could not, and nothing twice.
    """
    by_id = {str(task.body["restaurantId"]): task for task in tasks}

    async def enqueue(restaurant_id: str) -> dict[str, Any]:
        try:
            await queue.enqueue(by_id[restaurant_id])
        except QueueError as error:
            return {"restaurantId": restaurant_id, "status": "error", "error": str(error)}
        return {"restaurantId": restaurant_id, "status": "queued"}

    results = await for_each(list(by_id), AT_ONCE, enqueue, deadline)
    _log(tasks[0].function, results)
    return results


def _log(function: str, results: list[dict[str, Any]]) -> None:
    failed = [result["error"] for result in results if result["status"] == "error"]
    log(
        Severity.ERROR if failed else Severity.INFO,
        Event.FANNED_OUT,
        function=function,
        queued=len(results) - len(failed),
        failed=len(failed),
        error=failed[0] if failed else None,
    )
