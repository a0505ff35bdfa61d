"""Tasks for one restaurant each, and the queue of the environment."""

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from shared.config import Environment

POLL_FUNCTION = "opentable-poll"
RECONCILE_FUNCTION = "opentable-reconcile"


class QueuedTask(Struct, frozen=True):
    """A later call of a scheduled function.

    ``body`` is the JSON body of the call, with its ``restaurantId``. ``trigger`` is the reason for
    the call, such as the scheduled time; it makes repeated calls distinct.
    """

    function_name: str
    body: Mapping[str, object]
    trigger: str

    @property
    def name(self) -> str:
        """A name that only a repetition of the same task shares, so that a queue can drop it."""
        # A hash: Cloud Tasks slows down for names with a common prefix, such as a time.
        identity = json.dumps([self.function_name, self.body, self.trigger], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()

    @property
    def body_bytes(self) -> bytes:
        """The body as sent."""
        return json.dumps(self.body).encode()


class TaskQueue(Protocol):
    """A queue with a limited rate; calls each task at least once."""

    async def enqueue(self, task: QueuedTask) -> None:
        """Add a task unless the queue has or recently had one of the same name.

        Raises EnqueueError if the queue did not accept it.
        """


def build_task_queue(environment: Environment) -> TaskQueue | None:
    """Return the environment's queue, None if it has none."""
    url, queue, account = (
        environment.tasks_target_url,
        environment.tasks_queue,
        environment.tasks_service_account,
    )
    if not url:
        return None
    from shared.tasks import backends  # noqa: PLC0415 -- loads `requests`, unused by the webhook

    run_seconds = environment.run_budget_seconds
    if queue and account:
        return backends.CloudTasksQueue(queue, url, account, run_seconds)
    return backends.InProcessTaskQueue(backends.build_http_delivery(url, run_seconds))
