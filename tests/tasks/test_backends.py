"""Google's client against a fake Cloud Tasks, and the queue for local development."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from dev.local.processes import LOOPBACK
from shared.errors import EnqueueError
from shared.tasks import backends
from shared.tasks.backends import (
    MAX_CONCURRENT_LOCAL_TASKS,
    InProcessTaskQueue,
    build_http_delivery,
)
from shared.tasks.queue import POLL_FUNCTION, QueuedTask
from tests.support.cloud_tasks import (
    QUEUE,
    SERVICE_ACCOUNT,
    URL,
    FakeCloudTasks,
    Status,
    serve_fake_cloud_tasks,
)

TASK = QueuedTask(POLL_FUNCTION, {"restaurantId": "r-1"}, "2026-03-14T15:00:00Z")


@pytest.fixture
async def tasks() -> AsyncIterator[FakeCloudTasks]:
    async with serve_fake_cloud_tasks() as fake:
        yield fake


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
    monkeypatch.setattr("shared.tasks.backends.MAX_ENQUEUE_SECONDS", 0.5)
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


async def test_a_missing_queue_is_reported(tasks: FakeCloudTasks) -> None:
    with pytest.raises(EnqueueError, match="create it"):
        await tasks.task_queue(f"{QUEUE}-2").enqueue(TASK)


def new_task(number: int) -> QueuedTask:
    return QueuedTask(POLL_FUNCTION, {"restaurantId": f"r-{number}"}, "tick")


async def test_a_task_enqueued_twice_is_delivered_once() -> None:
    delivered: list[QueuedTask] = []

    async def deliver(task: QueuedTask) -> None:
        delivered.append(task)

    queue = InProcessTaskQueue(deliver)
    for _ in range(2):
        for number in range(10):
            await queue.enqueue(new_task(number))
    await queue.wait_until_empty()
    assert delivered == [new_task(number) for number in range(10)]


async def test_concurrency_is_limited() -> None:
    running, peak = 0, 0

    async def deliver(_: QueuedTask) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1

    queue = InProcessTaskQueue(deliver)
    for number in range(20):
        await queue.enqueue(new_task(number))
    await queue.wait_until_empty()
    assert peak == MAX_CONCURRENT_LOCAL_TASKS


async def test_a_failed_task_is_logged_and_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    delivered: list[QueuedTask] = []

    async def deliver(task: QueuedTask) -> None:
        if task == new_task(0):
            raise OSError("marked")
        delivered.append(task)

    queue = InProcessTaskQueue(deliver)
    await queue.enqueue(new_task(0))
    await queue.enqueue(new_task(1))
    await queue.wait_until_empty()
    assert delivered == [new_task(1)]
    [line] = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["event"], "marked" in line) == ("task.failed", False)


async def test_too_many_pending_tasks_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "MAX_PENDING_LOCAL_TASKS", 1)

    async def deliver(_: QueuedTask) -> None:
        await asyncio.sleep(0)

    queue = InProcessTaskQueue(deliver)
    await queue.enqueue(new_task(0))
    with pytest.raises(EnqueueError, match="the next run tries again"):
        await queue.enqueue(new_task(1))
    await queue.wait_until_empty()
    await queue.enqueue(new_task(1))
    await queue.wait_until_empty()


class TaskHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))  # type: ignore[attr-defined]  # added by the fixture
        self.send_response(200)
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer((LOOPBACK, 0), TaskHandler) as server:
        server.seen = []  # type: ignore[attr-defined]  # added by the fixture
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


async def test_a_task_is_posted_to_its_function(server: HTTPServer) -> None:
    await build_http_delivery(f"http://{LOOPBACK}:{server.server_port}", 1)(new_task(1))
    assert server.seen == [("/opentable-poll", {"restaurantId": "r-1"})]  # type: ignore[attr-defined]  # added by the fixture
