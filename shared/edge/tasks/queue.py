"""What a queue can do, and which one an environment names."""

from typing import Protocol

from shared.core.task import Task
from shared.edge.environment import Environment


class Queue(Protocol):
    """Takes tasks, each to be called at least once, within its limits."""

    async def enqueue(self, task: Task) -> None:
        """Take a task; one of the same name that it has, or had lately, is taken for it.

        Raises:
            QueueError: When it could not be taken; the text says what to do.
        """


def queue_of(environment: Environment) -> Queue | None:
    """Return an environment's queue, None where it names none."""
    url, queue, account = (
        environment.tasks_url,
        environment.tasks_queue,
        environment.tasks_account,
    )
    # Imported where one is set: a webhook has no queue, and would pay for both at each start.
    if url and queue and account:
        from shared.edge.tasks.cloud import CloudTasks  # noqa: PLC0415

        return CloudTasks(queue, url, account, environment.run_seconds)
    if url:
        from shared.edge.tasks.here import TasksHere, post_to  # noqa: PLC0415

        return TasksHere(post_to(url, environment.run_seconds))
    return None
