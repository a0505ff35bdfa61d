"""Control a running sandbox over HTTP."""

import json
from datetime import UTC, datetime

import pytest

from dev.local.processes import LOOPBACK, find_free_port
from dev.local.remote import SimulatedClock, to_sender_credentials
from tests.dev.http_server import serve_http

EVENING = {"at": "2026-03-14T23:15:00+00:00", "speed": 60.0}
EVENING_TIME = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


def read_clock(evenings: list[object], reads: int = 1) -> tuple[list[datetime | None], int]:
    """Read the clock of a sandbox; return the times, and the number of requests for them."""
    requests: list[str] = []

    def respond(path: str, _body: bytes) -> tuple[int, bytes]:
        requests.append(path)
        return 200, json.dumps({"evenings": evenings}).encode()

    with serve_http(respond) as url:
        clock = SimulatedClock(url)
        return [clock() for _ in range(reads)], len(requests)


def test_the_simulated_time_is_the_time_of_the_service() -> None:
    assert read_clock([EVENING]) == ([EVENING_TIME], 1)


@pytest.mark.parametrize("evenings", [[], [{"at": None, "speed": 60.0}]])
def test_there_is_no_simulated_time_before_the_first_service(evenings: list[object]) -> None:
    assert read_clock(evenings) == ([None], 1)


def test_a_burst_of_lines_requests_the_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.local.remote._MAX_CLOCK_AGE_SECONDS", 60)
    assert read_clock([EVENING], reads=20) == ([EVENING_TIME] * 20, 1)


def test_a_sandbox_that_is_away_has_no_time() -> None:
    assert SimulatedClock(f"http://{LOOPBACK}:{find_free_port()}")() is None


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
