"""Enqueue tasks in Cloud Tasks."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import stamina
from google.api_core import exceptions as google

from shared.errors import EnqueueError
from shared.tasks.queue import DISPATCH_MARGIN_SECONDS, QueuedTask

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksAsyncClient

MAX_ENQUEUE_SECONDS = 20.0
_CALL_TIMEOUT_SECONDS = 5.0
_MAX_DISPATCH_SECONDS = 1_800.0  # limit of Cloud Tasks

_RETRYABLE_ERRORS = (
    google.Aborted,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.ServiceUnavailable,
    google.TooManyRequests,
    google.Unknown,
)
_ADVICE_BY_ERROR: dict[type[Exception], str] = {
    google.NotFound: "create it, or correct TASKS_QUEUE",
    google.PermissionDenied: "grant the function's service account roles/cloudtasks.enqueuer on it,"
    " and roles/iam.serviceAccountUser on TASKS_SERVICE_ACCOUNT",
}
_retry_caller = stamina.AsyncRetryingCaller(
    attempts=5, timeout=None, wait_initial=0.1, wait_max=4.0, wait_jitter=0.5
).on(_RETRYABLE_ERRORS)


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
                await _retry_caller(
                    self._get_client().create_task,
                    request={"parent": self._queue, "task": cloud_task},
                    timeout=_CALL_TIMEOUT_SECONDS,
                    retry=None,
                )
        except google.AlreadyExists:
            return  # An earlier attempt succeeded, but its response was lost.
        except (google.GoogleAPIError, TimeoutError) as error:
            advice = _ADVICE_BY_ERROR.get(type(error), "the next run tries again")
            raise EnqueueError(
                f"{self._queue} did not accept the task ({type(error).__name__}): {advice}."
            ) from None
