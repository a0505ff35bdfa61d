"""The scheduler sends the requests of Cloud Scheduler and reports every result."""

import itertools
from collections.abc import Iterator
from threading import Event

import pytest

from dev.local.processes import LOOPBACK, find_free_port
from dev.local.scheduler import JobResponse, ScheduledJob, call_function, run_job_loop
from tests.dev.http_server import serve_http

RESPONSES = {
    "/ok": (200, b'{"restaurants": 1}'),
    "/failed": (503, b'{"restaurants": 1}'),
    "/page": (502, b"<html>"),
}


@pytest.fixture
def request_bodies() -> list[bytes]:
    """The bodies that the server received."""
    return []


@pytest.fixture
def url(request_bodies: list[bytes]) -> Iterator[str]:
    def respond(path: str, body: bytes) -> tuple[int, bytes]:
        request_bodies.append(body)
        return RESPONSES[path]

    with serve_http(respond) as url:
        yield url


@pytest.fixture
def job(url: str) -> ScheduledJob:
    return ScheduledJob("poll", f"{url}/ok", interval_seconds=0.001)


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


@pytest.mark.parametrize(
    "body, sent",
    [(None, b""), ({"restaurantId": "r"}, b'{"restaurantId": "r"}')],
    ids=["none, as Cloud Scheduler", "one, as a person"],
)
def test_a_call_sends_the_given_body(
    body: dict[str, str] | None, sent: bytes, url: str, request_bodies: list[bytes]
) -> None:
    call_function(f"{url}/ok", body)
    assert request_bodies == [sent]


def test_silence_is_status_0() -> None:
    assert call_function(f"http://{LOOPBACK}:{find_free_port()}/") == JobResponse(0, None)


def test_a_job_is_called_until_it_is_stopped(job: ScheduledJob) -> None:
    stop, results, count = Event(), list[tuple[str, JobResponse]](), itertools.count(1)

    def tell(name: str, answer: JobResponse) -> None:
        results.append((name, answer))
        if next(count) == 3:
            stop.set()

    run_job_loop(job, stop, tell)
    assert results == [("poll", JobResponse(200, {"restaurants": 1}))] * 3


def test_a_stopped_job_is_not_called(job: ScheduledJob, request_bodies: list[bytes]) -> None:
    stop = Event()
    stop.set()
    run_job_loop(job, stop, print)
    assert request_bodies == []
