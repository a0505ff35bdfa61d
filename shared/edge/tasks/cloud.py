"""Cloud Tasks, by Google's own client, which is imported when the first task comes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import stamina
from google.api_core import exceptions as google

from shared.core.task import Task
from shared.errors import QueueError

MOST_SECONDS = 20.0
_CALL_SECONDS = 5.0
_MARGIN_SECONDS = 60.0
_LONGEST_DISPATCH_SECONDS = 1_800.0  # Cloud Tasks' own bound
_PASSING = (
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
_retrying = stamina.AsyncRetryingCaller(
    attempts=5, timeout=None, wait_initial=0.1, wait_max=4.0, wait_jitter=0.5
).on(_PASSING)


def connect() -> Any:
    """Return Google's client, with the credentials of where this runs."""
    return import_module("google.cloud.tasks_v2").CloudTasksAsyncClient()


class CloudTasks:
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
        make_client: Callable[[], Any] = connect,
    ) -> None:
        self._queue = queue
        self._url = url
        self._account = account
        patience = min(run_seconds + _MARGIN_SECONDS, _LONGEST_DISPATCH_SECONDS)
        self._patience = timedelta(seconds=patience)
        self._make_client = make_client
        self._client: Any = None

    async def enqueue(self, task: Task) -> None:
        """Create a task; that its name is taken means that an earlier try had landed.

        Raises:
            QueueError: When it could not be created within `MOST_SECONDS`.
        """
        self._client = self._client or self._make_client()
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await _retrying(self._create, task)
        except google.AlreadyExists:
            return
        except (google.GoogleAPIError, TimeoutError) as error:
            advice = _ADVICE.get(type(error), "it is tried again with the next run")
            raise QueueError(
                f"{self._queue} took no task ({type(error).__name__}): {advice}."
            ) from None

    async def _create(self, task: Task) -> None:
        url = f"{self._url}/{task.function}"
        created = {
            "name": f"{self._queue}/tasks/{task.name}",
            "dispatch_deadline": self._patience,
            "http_request": {
                "http_method": "POST",
                "url": url,
                "headers": {"Content-Type": "application/json"},
                "body": task.content,
                "oidc_token": {"service_account_email": self._account, "audience": url},
            },
        }
        await self._client.create_task(
            request={"parent": self._queue, "task": created}, timeout=_CALL_SECONDS, retry=None
        )
