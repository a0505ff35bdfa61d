"""The identity of a task, and the queue for local development."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from dev.local.processes import LOOPBACK
from shared.errors import EnqueueError
from shared.tasks import queue as queue_module
from shared.tasks.queue import (
    MAX_CONCURRENT_LOCAL_TASKS,
    POLL_FUNCTION,
    RECONCILE_FUNCTION,
    InProcessTaskQueue,
    QueuedTask,
    build_http_delivery,
)

ids = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
triggers = st.text(max_size=30)
tasks = st.builds(
    QueuedTask,
    st.sampled_from([POLL_FUNCTION, RECONCILE_FUNCTION]),
    st.fixed_dictionaries({"restaurantId": ids}, optional={"dryRun": st.booleans()}),
    triggers,
)


@given(tasks, tasks)
def test_only_equal_tasks_share_a_name(one: QueuedTask, other: QueuedTask) -> None:
    assert (one.name == other.name) is (one == other)


@given(tasks)
def test_a_name_is_valid_for_cloud_tasks(task: QueuedTask) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", task.name)


def test_the_order_of_a_bodys_fields_does_not_matter() -> None:
    one, other = {"restaurantId": "a", "dryRun": True}, {"dryRun": True, "restaurantId": "a"}
    assert QueuedTask(POLL_FUNCTION, one, "t").name == QueuedTask(POLL_FUNCTION, other, "t").name


def test_names_of_consecutive_ticks_have_no_common_prefix() -> None:
    ticks = (f"2026-03-14T15:{minute:02}:00Z" for minute in range(60))
    names = {QueuedTask(POLL_FUNCTION, {"restaurantId": "a"}, tick).name[:8] for tick in ticks}
    assert len(names) == 60


@given(tasks)
def test_the_body_is_sent_as_json(task: QueuedTask) -> None:
    assert json.loads(task.body_bytes) == task.body


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
    monkeypatch.setattr(queue_module, "MAX_PENDING_LOCAL_TASKS", 1)

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
def task_server() -> Iterator[HTTPServer]:
    with HTTPServer((LOOPBACK, 0), TaskHandler) as task_server:
        task_server.seen = []  # type: ignore[attr-defined]  # added by the fixture
        threading.Thread(target=task_server.serve_forever, daemon=True).start()
        yield task_server
        task_server.shutdown()


async def test_a_task_is_posted_to_its_function(task_server: HTTPServer) -> None:
    await build_http_delivery(f"http://{LOOPBACK}:{task_server.server_port}", 1)(new_task(1))
    assert task_server.seen == [("/opentable-poll", {"restaurantId": "r-1"})]  # type: ignore[attr-defined]  # added by the fixture
