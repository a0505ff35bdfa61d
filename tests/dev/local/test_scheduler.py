"""The scheduler sends the requests of Cloud Scheduler and reports every result."""

import itertools
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import ClassVar

import pytest

from dev.local.processes import LOOPBACK, find_free_port
from dev.local.scheduler import JobResponse, ScheduledJob, call_function, run_job_loop

SOON = 0.001


class Function(BaseHTTPRequestHandler):
    replies: ClassVar[dict[str, tuple[int, bytes]]] = {
        "/ok": (200, b'{"restaurants": 1}'),
        "/failed": (503, b'{"restaurants": 1}'),
        "/page": (502, b"<html>"),
    }

    def do_POST(self) -> None:
        self.server.bodies.append(self.headers.get("content-length"))  # type: ignore[attr-defined]
        status, body = self.replies[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def function_server() -> Iterator[HTTPServer]:
    with HTTPServer((LOOPBACK, 0), Function) as serving:
        serving.bodies = []  # type: ignore[attr-defined]
        Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield serving
        serving.shutdown()


@pytest.fixture
def url(function_server: HTTPServer) -> str:
    return f"http://{LOOPBACK}:{function_server.server_port}"


@pytest.mark.parametrize(
    "path, answer",
    [
        ("/ok", JobResponse(200, {"restaurants": 1})),
        ("/failed", JobResponse(503, {"restaurants": 1})),
        ("/page", JobResponse(502, None)),
    ],
)
def test_a_call_reports_status_and_body(path: str, answer: JobResponse, url: str) -> None:
    assert call_function(url + path) == answer


def test_a_call_has_no_body(url: str, function_server: HTTPServer) -> None:
    call_function(f"{url}/ok")
    assert function_server.bodies[-1] == "0"  # type: ignore[attr-defined]


def test_a_call_may_have_a_body_as_a_person_sends_one(
    url: str, function_server: HTTPServer
) -> None:
    call_function(f"{url}/ok", {"restaurantId": "r"})
    assert function_server.bodies[-1] == str(len('{"restaurantId": "r"}'))  # type: ignore[attr-defined]


def test_silence_is_status_0() -> None:
    assert call_function(f"http://{LOOPBACK}:{find_free_port()}/") == JobResponse(0, None)


def test_a_job_is_called_until_it_is_stopped(url: str) -> None:
    stop, results, count = Event(), list[tuple[str, JobResponse]](), itertools.count(1)

    def tell(name: str, answer: JobResponse) -> None:
        results.append((name, answer))
        if next(count) == 3:
            stop.set()

    run_job_loop(
        ScheduledJob("poll", f"{url}/ok", initial_delay_seconds=0, interval_seconds=SOON),
        stop,
        tell,
    )
    assert results == [("poll", JobResponse(200, {"restaurants": 1}))] * 3


def test_a_stopped_job_is_not_called(url: str, function_server: HTTPServer) -> None:
    stop, before = Event(), len(function_server.bodies)  # type: ignore[attr-defined]
    stop.set()
    run_job_loop(
        ScheduledJob("poll", f"{url}/ok", initial_delay_seconds=0, interval_seconds=SOON),
        stop,
        print,
    )
    assert len(function_server.bodies) == before  # type: ignore[attr-defined]
