"""Control a running sandbox over HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from cli.target import RunNotReachableError
from dev.local.processes import LOOPBACK, find_free_port
from dev.local.remote import (
    SimulatedClock,
    set_webhooks_enabled,
    to_sender_credentials,
)

EVENING = {"evenings": [{"at": "2026-03-14T23:15:00+00:00", "speed": 60.0}]}


class Sandbox(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.state).encode())  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def sandbox_server() -> Iterator[HTTPServer]:
    with HTTPServer((LOOPBACK, 0), Sandbox) as server:
        server.asked = 0  # type: ignore[attr-defined]
        server.state = EVENING  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def remote_clock(sandbox_server: HTTPServer) -> SimulatedClock:
    return SimulatedClock(f"http://{LOOPBACK}:{sandbox_server.server_port}")


def test_the_simulated_time_is_the_time_of_the_service(remote_clock: SimulatedClock) -> None:
    assert remote_clock() == datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize("evenings", [[], [{"at": None, "speed": 60.0}]])
def test_there_is_no_simulated_time_before_the_first_service(
    evenings: list[object], remote_clock: SimulatedClock, sandbox_server: HTTPServer
) -> None:
    sandbox_server.state = {"evenings": evenings}  # type: ignore[attr-defined]
    assert remote_clock() is None


def test_a_burst_of_lines_requests_the_time_once(
    remote_clock: SimulatedClock, sandbox_server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.local.remote._MAX_CLOCK_AGE_SECONDS", 60)
    assert {remote_clock() for _ in range(20)} == {remote_clock()}
    assert sandbox_server.asked == 1  # type: ignore[attr-defined]


def test_a_sandbox_that_is_away_has_no_time() -> None:
    assert SimulatedClock(f"http://{LOOPBACK}:{find_free_port()}")() is None


def test_an_unanswered_port_is_not_a_run() -> None:
    with pytest.raises(RunNotReachableError, match="make run"):
        set_webhooks_enabled(find_free_port(), is_enabled=True)


@pytest.mark.parametrize(
    "entered, expected",
    [
        ({}, {}),
        ({"bearerTokens": ["new", "old"]}, {"authorization": "Bearer new"}),
        ({"basicCredentials": ["me:hush"]}, {"authorization": "Basic bWU6aHVzaA=="}),
        ({"webhookSecrets": ["whsec_a"]}, {"signing_secret": "whsec_a"}),
        ({"bearerTokens": [], "clientId": "x"}, {}),
    ],
)
def test_the_newest_credential_of_each_kind_is_sent_to_the_sandbox(
    entered: dict[str, object], expected: dict[str, str]
) -> None:
    assert to_sender_credentials(entered) == expected
