"""Cloud Tasks, by Google's own client, which is imported when the first task comes.

A queue in this process, for one's own machine: its tasks end with the process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import requests
import stamina
from cachetools import TTLCache
from google.api_core import exceptions as google

from shared.errors import EnqueueError
from shared.log import LogEvent, Severity, log_event
from shared.tasks.queue import QueuedTask

MAX_ENQUEUE_SECONDS = 20.0
_CALL_TIMEOUT_SECONDS = 5.0
_DISPATCH_MARGIN_SECONDS = 60.0
_MAX_DISPATCH_SECONDS = 1_800.0  # Cloud Tasks' own bound

_RETRYABLE_ERRORS = (
    google.Aborted,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.ServiceUnavailable,
    google.TooManyRequests,
    google.Unknown,
)

_ADVICE: dict[type[Exception], str] = {
    google.NotFound: "create it, or mend TASKS_QUEUE",
    google.PermissionDenied: "grant the function's service account roles/cloudtasks.enqueuer on it,"
    " and roles/iam.serviceAccountUser on TASKS_SERVICE_ACCOUNT",
}

_retry_caller = stamina.AsyncRetryingCaller(
    attempts=5, timeout=None, wait_initial=0.1, wait_max=4.0, wait_jitter=0.5
).on(_RETRYABLE_ERRORS)


def build_cloud_tasks_client() -> Any:
    """Return Google's client, with the credentials of where this runs."""
    return import_module("google.cloud.tasks_v2").CloudTasksAsyncClient()


class CloudTasksQueue:
    """A queue in Cloud Tasks; its rate and concurrency are its own settings, not made here.

    Args:
        queue: ``projects/…/locations/…/queues/…``.
        url: The base URL that the functions' names are appended to.
        account: The service account as which the tasks call; the audience is the called URL.
        run_seconds: The longest that a called function takes.
        make_client: Makes Google's client.
    """

    def __init__(
        self,
        queue: str,
        url: str,
        account: str,
        run_seconds: float,
        make_client: Callable[[], Any] = build_cloud_tasks_client,
    ) -> None:
        self._queue = queue
        self._url = url
        self._account = account
        dispatch_seconds = min(run_seconds + _DISPATCH_MARGIN_SECONDS, _MAX_DISPATCH_SECONDS)
        self._dispatch_deadline = timedelta(seconds=dispatch_seconds)
        self._make_client = make_client
        self._client: Any = None

    async def enqueue(self, task: QueuedTask) -> None:
        """Create a task; that its name is taken means that an earlier try had landed.

        Raises:
            QueueError: When it could not be created within `MAX_ENQUEUE_SECONDS`.
        """
        self._client = self._client or self._make_client()
        try:
            async with asyncio.timeout(MAX_ENQUEUE_SECONDS):
                await _retry_caller(self._create, task)
        except google.AlreadyExists:
            return
        except (google.GoogleAPIError, TimeoutError) as error:
            advice = _ADVICE.get(type(error), "it is tried again with the next run")
            raise EnqueueError(
                f"{self._queue} took no task ({type(error).__name__}): {advice}."
            ) from None

    async def _create(self, task: QueuedTask) -> None:
        url = f"{self._url}/{task.function_name}"
        cloud_task = {
            "name": f"{self._queue}/tasks/{task.name}",
            "dispatch_deadline": self._dispatch_deadline,
            "http_request": {
                "http_method": "POST",
                "url": url,
                "headers": {"Content-Type": "application/json"},
                "body": task.body_bytes,
                "oidc_token": {"service_account_email": self._account, "audience": url},
            },
        }
        await self._client.create_task(
            request={"parent": self._queue, "task": cloud_task},
            timeout=_CALL_TIMEOUT_SECONDS,
            retry=None,
        )


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
