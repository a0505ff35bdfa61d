"""What a queue can do, and which one an environment names."""

from typing import Protocol

from shared.core.task import QueuedTask
from shared.edge.environment import Environment


class TaskQueue(Protocol):
    """Takes tasks, each to be called at least once, within its limits."""

    async def enqueue(self, task: QueuedTask) -> None:
        """Take a task; one of the same name that it has, or had lately, is taken for it.

        Raises:
            QueueError: When it could not be taken; the text says what to do.
        """


def build_task_queue(environment: Environment) -> TaskQueue | None:
    """Return an environment's queue, None where it names none."""
    url, queue, account = (
        environment.tasks_target_url,
        environment.tasks_queue,
        environment.tasks_service_account,
    )
    # Imported where one is set: a webhook has no queue, and would pay for both at each start.
    if url and queue and account:
        from shared.edge.tasks.cloud import CloudTasksQueue  # noqa: PLC0415

        return CloudTasksQueue(queue, url, account, environment.run_budget_seconds)
    if url:
        from shared.edge.tasks.here import InProcessTaskQueue, build_http_delivery  # noqa: PLC0415

        return InProcessTaskQueue(build_http_delivery(url, environment.run_budget_seconds))
    return None
