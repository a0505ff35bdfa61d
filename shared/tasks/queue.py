"""Tasks for later calls of the scheduled functions, the environment's queue, and a local one."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from cachetools import TTLCache
from msgspec import Struct

from shared.config import Environment
from shared.errors import EnqueueError
from shared.log import LogEvent, Severity, log_event

POLL_FUNCTION = "opentable-poll"
RECONCILE_FUNCTION = "opentable-reconcile"
# How long a task's call may last beyond the longest run of its function.
DISPATCH_MARGIN_SECONDS = 60.0
MAX_CONCURRENT_LOCAL_TASKS = 4
MAX_PENDING_LOCAL_TASKS = 10_000
_LOCAL_NAME_TTL_SECONDS = 3_600


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

        Raises:
            EnqueueError: The queue did not accept it.
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
    run_seconds = environment.run_budget_seconds
    if queue and account:
        from shared.tasks import cloud_tasks  # noqa: PLC0415 -- loads `stamina`, unused by webhooks

        return cloud_tasks.CloudTasksQueue(queue, url, account, run_seconds)
    return InProcessTaskQueue(build_http_delivery(url, run_seconds))


DeliverTask = Callable[[QueuedTask], Awaitable[None]]


class InProcessTaskQueue:
    """A queue for local development: delivers each task once, a few at a time, without retries."""

    def __init__(self, deliver: DeliverTask) -> None:
        self._deliver = deliver
        self._recent_names: TTLCache[str, bool] = TTLCache(
            MAX_PENDING_LOCAL_TASKS, _LOCAL_NAME_TTL_SECONDS
        )
        self._pending_calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_LOCAL_TASKS)

    async def enqueue(self, task: QueuedTask) -> None:
        """Add a task (see `TaskQueue.enqueue`)."""
        if task.name in self._recent_names:
            return
        if len(self._pending_calls) >= MAX_PENDING_LOCAL_TASKS:
            raise EnqueueError("Too many tasks are waiting: the next run tries again.")
        self._recent_names[task.name] = True

        async def deliver() -> None:
            async with self._slots:
                try:
                    await self._deliver(task)
                except OSError as error:  # the base of every error of `requests`
                    log_event(Severity.WARNING, LogEvent.TASK_FAILED, error=type(error).__name__)

        # The set keeps a reference: the event loop's own one is weak.
        call = asyncio.create_task(deliver())
        self._pending_calls.add(call)
        call.add_done_callback(self._pending_calls.discard)

    async def wait_until_empty(self) -> None:
        """Wait until no task is waiting or running."""
        while self._pending_calls:
            await asyncio.wait(self._pending_calls)


def build_http_delivery(url: str, run_seconds: float) -> DeliverTask:
    """Return a delivery that posts a task to `url`/function name and waits for the response."""
    import requests  # noqa: PLC0415 -- slow; only local runs deliver tasks themselves

    async def deliver(task: QueuedTask) -> None:
        response = await asyncio.to_thread(
            requests.post,
            f"{url}/{task.function_name}",
            task.body_bytes,
            headers={"Content-Type": "application/json"},
            timeout=run_seconds + DISPATCH_MARGIN_SECONDS,
            allow_redirects=False,
        )
        response.raise_for_status()

    return deliver
