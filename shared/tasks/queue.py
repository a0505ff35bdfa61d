"""One restaurant's part of a run, handed over to a queue under a name that a repetition shares.

What a queue can do, and which one an environment names.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from shared.config import Environment

POLL_FUNCTION = "opentable-poll"
RECONCILE_FUNCTION = "opentable-reconcile"


class QueuedTask(Struct, frozen=True):
    """A call of one of the scheduled functions that is made later.

    Attributes:
        function_name: The deployed function's name, such as ``opentable-poll``.
        body: The call's JSON body; it names the restaurant.
        trigger: What the call is made for, such as the tick of the schedule.
    """

    function_name: str
    body: Mapping[str, object]
    trigger: str

    @property
    def name(self) -> str:
        """Its name: the same for a repetition, another one for anything else.

        A hash, as Cloud Tasks slows down over names that begin alike, such as with a time.
        """
        identity = json.dumps([self.function_name, self.body, self.trigger], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()

    @property
    def body_bytes(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body).encode()


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
        from shared.tasks.backends import CloudTasksQueue  # noqa: PLC0415

        return CloudTasksQueue(queue, url, account, environment.run_budget_seconds)
    if url:
        from shared.tasks.backends import InProcessTaskQueue, build_http_delivery  # noqa: PLC0415

        return InProcessTaskQueue(build_http_delivery(url, environment.run_budget_seconds))
    return None
