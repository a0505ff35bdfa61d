"""Cloud Tasks, by Google's own client, which is imported when the first task comes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import stamina
from google.api_core import exceptions as google

from shared.core.task import QueuedTask
from shared.errors import EnqueueError

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
