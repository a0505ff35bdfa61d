"""A queue in this process, for one's own machine: its tasks end with the process."""

import asyncio
from collections.abc import Awaitable, Callable

import requests
from cachetools import TTLCache

from shared.core.task import QueuedTask
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import EnqueueError

MAX_CONCURRENT_LOCAL_TASKS = 4
MAX_PENDING_LOCAL_TASKS = 10_000
_NAME_TTL_SECONDS = 3_600
_TIMEOUT_MARGIN_SECONDS = 60.0

DeliverTask = Callable[[QueuedTask], Awaitable[None]]


class InProcessTaskQueue:
    """Calls each task once, a few at a time; what fails is the next run's.

    Args:
        deliver: Makes a task's call.
    """

    def __init__(self, deliver: DeliverTask) -> None:
        self._deliver = deliver
        self._recent_names: TTLCache[str, bool] = TTLCache(
            MAX_PENDING_LOCAL_TASKS, _NAME_TTL_SECONDS
        )
        self._pending_calls: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_LOCAL_TASKS)

    async def enqueue(self, task: QueuedTask) -> None:
        """Take a task, unless its name was taken in the last hour.

        Raises:
            QueueError: When too many are waiting.
        """
        if task.name in self._recent_names:
            return
        if len(self._pending_calls) >= MAX_PENDING_LOCAL_TASKS:
            raise EnqueueError("Too many tasks are waiting: the next run tries again.")
        self._recent_names[task.name] = True
        call = asyncio.create_task(self._deliver_task(task))
        self._pending_calls.add(call)
        call.add_done_callback(self._pending_calls.discard)

    async def wait_until_empty(self) -> None:
        """Wait until nothing is waiting or under way."""
        while self._pending_calls:
            await asyncio.wait(self._pending_calls)

    async def _deliver_task(self, task: QueuedTask) -> None:
        async with self._slots:
            try:
                await self._deliver(task)
            except Exception as error:  # noqa: BLE001 -- one task never stops the others
                log_event(Severity.WARNING, LogEvent.TASK_FAILED, error=type(error).__name__)


def build_http_delivery(url: str, run_seconds: float) -> DeliverTask:
    """Return what posts a task to a function.

    Args:
        url: The base URL that the functions' names are appended to.
        run_seconds: The longest that a called function takes.
    """

    def post(task: QueuedTask) -> None:
        headers = {"Content-Type": "application/json"}
        timeout_seconds = run_seconds + _TIMEOUT_MARGIN_SECONDS
        function_url = f"{url}/{task.function_name}"
        requests.post(
            function_url,
            task.body_bytes,
            headers=headers,
            timeout=timeout_seconds,
            allow_redirects=False,
        ).raise_for_status()

    async def deliver(task: QueuedTask) -> None:
        await asyncio.to_thread(post, task)

    return deliver
