"""Google's client against a fake Cloud Tasks."""

from datetime import timedelta

import pytest

from shared.errors import EnqueueError
from shared.tasks.queue import POLL_FUNCTION, QueuedTask
from tests.support.cloud_tasks import QUEUE, SERVICE_ACCOUNT, URL, FakeCloudTasks, Status

TASK = QueuedTask(POLL_FUNCTION, {"restaurantId": "r-1"}, "2026-03-14T15:00:00Z")


async def test_a_task_calls_the_function_as_its_service_account(tasks: FakeCloudTasks) -> None:
    await tasks.task_queue().enqueue(TASK)
    [created] = tasks.created
    sent = created.http_request
    assert created.name == f"{QUEUE}/tasks/{TASK.name}"
    assert (sent.url, sent.http_method.name) == (f"{URL}/opentable-poll", "POST")
    assert (sent.body, sent.headers["Content-Type"]) == (TASK.body_bytes, "application/json")
    assert sent.oidc_token.service_account_email == SERVICE_ACCOUNT
    assert sent.oidc_token.audience == URL


async def test_the_dispatch_deadline_is_longer_than_the_budget_of_the_function(
    tasks: FakeCloudTasks,
) -> None:
    await tasks.task_queue().enqueue(TASK)
    assert tasks.created[0].dispatch_deadline == timedelta(seconds=540)


async def test_a_repeated_task_is_created_once(tasks: FakeCloudTasks) -> None:
    queue = tasks.task_queue()
    await queue.enqueue(TASK)
    await queue.enqueue(TASK)
    assert (len(tasks.created), tasks.calls) == (1, 2)


async def test_a_lost_response_creates_no_second_task(tasks: FakeCloudTasks) -> None:
    tasks.next_statuses.append(Status.UNKNOWN)
    await tasks.task_queue().enqueue(TASK)
    assert (len(tasks.created), tasks.calls) == (1, 2)


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED, Status.ABORTED])
async def test_transient_errors_are_retried(tasks: FakeCloudTasks, status: Status) -> None:
    tasks.next_statuses += [status, status]
    await tasks.task_queue().enqueue(TASK)
    assert (len(tasks.created), tasks.calls) == (1, 3)


async def test_persistent_errors_are_raised(
    tasks: FakeCloudTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.tasks.queue.MAX_ENQUEUE_SECONDS", 0.5)
    tasks.next_statuses += [Status.UNAVAILABLE] * 99
    with pytest.raises(EnqueueError, match="the next run tries again"):
        await tasks.task_queue().enqueue(TASK)


@pytest.mark.parametrize(
    "status,advice",
    [(Status.NOT_FOUND, "correct TASKS_QUEUE"), (Status.PERMISSION_DENIED, "cloudtasks.enqueuer")],
)
async def test_configuration_errors_are_raised_immediately(
    tasks: FakeCloudTasks, status: Status, advice: str
) -> None:
    tasks.next_statuses.append(status)
    with pytest.raises(EnqueueError, match=advice):
        await tasks.task_queue().enqueue(TASK)
    assert tasks.calls == 1
