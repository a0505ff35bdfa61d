"""Queue later calls of the scheduled functions, in Cloud Tasks or in this process."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Protocol

from cachetools import TTLCache
from google.api_core import exceptions as google
from google.api_core.retry import if_exception_type
from google.api_core.retry_async import AsyncRetry
from msgspec import Struct

from shared.config import Environment
from shared.errors import EnqueueError
from shared.log import LogEvent, Severity, log_event

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksAsyncClient

POLL_FUNCTION = "opentable-poll"
RECONCILE_FUNCTION = "opentable-reconcile"
# How long a task's call may last beyond the longest run of its function.
DISPATCH_MARGIN_SECONDS = 60.0
MAX_CONCURRENT_LOCAL_TASKS = 4
MAX_PENDING_LOCAL_TASKS = 10_000
_LOCAL_NAME_TTL_SECONDS = 3_600

MAX_ENQUEUE_SECONDS = 20.0
_CALL_TIMEOUT_SECONDS = 5.0
_MAX_DISPATCH_SECONDS = 1_800.0  # limit of Cloud Tasks

_ADVICE_BY_ERROR: dict[type[Exception], str] = {
    google.NotFound: "create it, or correct TASKS_QUEUE",
    google.PermissionDenied: "grant the function's service account roles/cloudtasks.enqueuer on it,"
    " and roles/iam.serviceAccountUser on TASKS_SERVICE_ACCOUNT",
}
_RETRY = AsyncRetry(
    if_exception_type(
        google.Aborted,
        google.DeadlineExceeded,
        google.InternalServerError,
        google.ServiceUnavailable,
        google.TooManyRequests,
        google.Unknown,
    ),
    initial=0.1,
    maximum=4.0,
    timeout=MAX_ENQUEUE_SECONDS,
)


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
    url, run_seconds = environment.tasks_target_url, environment.run_budget_seconds
    queue, account = environment.tasks_queue, environment.tasks_service_account
    if not url:
        return None
    if queue and account:
        return CloudTasksQueue(queue, url, account, run_seconds)
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


def build_cloud_tasks_client() -> "CloudTasksAsyncClient":
    """Return Google's client with the default credentials."""
    from google.cloud import tasks_v2

    return tasks_v2.CloudTasksAsyncClient()


class CloudTasksQueue:
    """A queue of Cloud Tasks; its rate and concurrency are configured there."""

    def __init__(
        self,
        queue: str,
        url: str,
        account: str,
        run_seconds: float,
        build_client: Callable[[], "CloudTasksAsyncClient"] = build_cloud_tasks_client,
    ) -> None:
        """Call `url`/function name as `account`; `run_seconds` is the longest run of a function.

        `queue` is ``projects/…/locations/…/queues/…``.
        """
        self._queue = queue
        self._url = url
        self._account = account
        dispatch_seconds = min(run_seconds + DISPATCH_MARGIN_SECONDS, _MAX_DISPATCH_SECONDS)
        self._dispatch_deadline = timedelta(seconds=dispatch_seconds)
        self._get_client = cache(build_client)

    async def enqueue(self, task: QueuedTask) -> None:
        """Create a task (see `TaskQueue.enqueue`) within `MAX_ENQUEUE_SECONDS`."""
        cloud_task = {
            "name": f"{self._queue}/tasks/{task.name}",
            "dispatch_deadline": self._dispatch_deadline,
            "http_request": {
                "http_method": "POST",
                "url": f"{self._url}/{task.function_name}",
                "headers": {"Content-Type": "application/json"},
                "body": task.body_bytes,
                "oidc_token": {"service_account_email": self._account, "audience": self._url},
            },
        }
        try:
            async with asyncio.timeout(MAX_ENQUEUE_SECONDS):
                await self._get_client().create_task(
                    request={"parent": self._queue, "task": cloud_task},
                    timeout=_CALL_TIMEOUT_SECONDS,
                    retry=_RETRY,
                )
        except google.AlreadyExists:
            return  # An earlier attempt succeeded, but its response was lost.
        except (google.GoogleAPIError, TimeoutError) as error:
            advice = _ADVICE_BY_ERROR.get(type(error), "the next run tries again")
            raise EnqueueError(
                f"{self._queue} did not accept the task ({type(error).__name__}): {advice}."
            ) from None
