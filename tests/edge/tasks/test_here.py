"""The queue on one's own machine keeps the interface's promises."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from dev.processes import LOOPBACK
from shared.core.task import POLL_FUNCTION, QueuedTask
from shared.edge.tasks import here
from shared.edge.tasks.here import (
    MAX_CONCURRENT_LOCAL_TASKS,
    InProcessTaskQueue,
    build_http_delivery,
)
from shared.errors import EnqueueError


def task(number: int) -> QueuedTask:
    return QueuedTask(POLL_FUNCTION, {"restaurantId": f"r-{number}"}, "tick")


async def test_each_task_is_called_once_however_often_it_is_enqueued() -> None:
    called: list[QueuedTask] = []

    async def deliver(one: QueuedTask) -> None:
        called.append(one)

    queue = InProcessTaskQueue(deliver)
    for _ in range(2):
        for number in range(10):
            await queue.enqueue(task(number))
    await queue.wait_until_empty()
    assert called == [task(number) for number in range(10)]


async def test_concurrency_is_limited() -> None:
    under_way, most = 0, 0

    async def deliver(_: QueuedTask) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    queue = InProcessTaskQueue(deliver)
    for number in range(20):
        await queue.enqueue(task(number))
    await queue.wait_until_empty()
    assert most == MAX_CONCURRENT_LOCAL_TASKS


async def test_one_that_fails_is_logged_and_stops_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    called: list[QueuedTask] = []

    async def deliver(one: QueuedTask) -> None:
        if one == task(0):
            raise OSError("marked")
        called.append(one)

    queue = InProcessTaskQueue(deliver)
    await queue.enqueue(task(0))
    await queue.enqueue(task(1))
    await queue.wait_until_empty()
    assert called == [task(1)]
    [line] = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["event"], "marked" in line) == ("task.failed", False)


async def test_too_many_that_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "MAX_PENDING_LOCAL_TASKS", 1)

    async def deliver(_: QueuedTask) -> None:
        await asyncio.sleep(0)

    queue = InProcessTaskQueue(deliver)
    await queue.enqueue(task(0))
    with pytest.raises(EnqueueError, match="the next run tries again"):
        await queue.enqueue(task(1))
    await queue.wait_until_empty()
    await queue.enqueue(task(1))
    await queue.wait_until_empty()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))  # type: ignore[attr-defined] # ours
        self.send_response(200)
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer((LOOPBACK, 0), _Handler) as started:
        started.seen = []  # type: ignore[attr-defined] # ours
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


async def test_a_task_is_posted_to_its_function(server: HTTPServer) -> None:
    await build_http_delivery(f"http://{LOOPBACK}:{server.server_port}", 1)(task(1))
    assert server.seen == [("/opentable-poll", {"restaurantId": "r-1"})]  # type: ignore[attr-defined] # ours
