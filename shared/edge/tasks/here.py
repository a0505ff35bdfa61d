"""A queue in this process, for one's own machine: its tasks end with the process."""

import asyncio
from collections.abc import Awaitable, Callable

import requests
from cachetools import TTLCache

from shared.core.task import Task
from shared.edge.telemetry import Event, Severity, log
from shared.errors import QueueError

AT_ONCE = 4
MOST_WAITING = 10_000
_NAMES_SECONDS = 3_600
_MARGIN_SECONDS = 60.0

Deliver = Callable[[Task], Awaitable[None]]


class TasksHere:
    """Calls each task once, a few at a time; what fails is the next run's.

    Args:
        deliver: Makes a task's call.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._names: TTLCache[str, bool] = TTLCache(MOST_WAITING, _NAMES_SECONDS)
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def enqueue(self, task: Task) -> None:
        """Take a task, unless its name was taken in the last hour.

        Raises:
            QueueError: When too many are waiting.
        """
        if task.name in self._names:
            return
        if len(self._under_way) >= MOST_WAITING:
            raise QueueError("Too many tasks are waiting: the next run tries again.")
        self._names[task.name] = True
        call = asyncio.create_task(self._call(task))
        self._under_way.add(call)
        call.add_done_callback(self._under_way.discard)

    async def drained(self) -> None:
        """Wait until nothing is waiting or under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _call(self, task: Task) -> None:
        async with self._places:
            try:
                await self._deliver(task)
            except Exception as error:  # noqa: BLE001 -- one task never stops the others
                log(Severity.WARNING, Event.TASK_FAILED, error=type(error).__name__)


def post_to(url: str, run_seconds: float) -> Deliver:
    """Return what posts a task to a function.

    Args:
        url: The base URL that the functions' names are appended to.
        run_seconds: The longest that a called function takes.
    """

    def post(task: Task) -> None:
        headers = {"Content-Type": "application/json"}
        patience = run_seconds + _MARGIN_SECONDS
        address = f"{url}/{task.function}"
        requests.post(
            address, task.content, headers=headers, timeout=patience, allow_redirects=False
        ).raise_for_status()

    async def deliver(task: Task) -> None:
        await asyncio.to_thread(post, task)

    return deliver
