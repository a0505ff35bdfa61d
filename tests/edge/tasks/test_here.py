"""The queue on one's own machine keeps the interface's promises."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from dev.processes import LOOPBACK
from shared.core.task import POLL, Task
from shared.edge.tasks import here
from shared.edge.tasks.here import AT_ONCE, TasksHere, post_to
from shared.errors import QueueError


def task(number: int) -> Task:
    return Task(POLL, {"restaurantId": f"r-{number}"}, "tick")


async def test_each_task_is_called_once_however_often_it_is_enqueued() -> None:
    called: list[Task] = []

    async def deliver(one: Task) -> None:
        called.append(one)

    queue = TasksHere(deliver)
    for _ in range(2):
        for number in range(10):
            await queue.enqueue(task(number))
    await queue.drained()
    assert called == [task(number) for number in range(10)]


async def test_only_so_many_are_under_way_at_once() -> None:
    under_way, most = 0, 0

    async def deliver(_: Task) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    queue = TasksHere(deliver)
    for number in range(20):
        await queue.enqueue(task(number))
    await queue.drained()
    assert most == AT_ONCE


async def test_one_that_fails_is_logged_and_stops_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    called: list[Task] = []

    async def deliver(one: Task) -> None:
        if one == task(0):
            raise OSError("marked")
        called.append(one)

    queue = TasksHere(deliver)
    await queue.enqueue(task(0))
    await queue.enqueue(task(1))
    await queue.drained()
    assert called == [task(1)]
    [line] = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["event"], "marked" in line) == ("task.failed", False)


async def test_too_many_that_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "MOST_WAITING", 1)

    async def deliver(_: Task) -> None:
        await asyncio.sleep(0)

    queue = TasksHere(deliver)
    await queue.enqueue(task(0))
    with pytest.raises(QueueError, match="the next run tries again"):
        await queue.enqueue(task(1))
    await queue.drained()
    await queue.enqueue(task(1))
    await queue.drained()


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
    await post_to(f"http://{LOOPBACK}:{server.server_port}", 1)(task(1))
    assert server.seen == [("/opentable-poll", {"restaurantId": "r-1"})]  # type: ignore[attr-defined] # ours
