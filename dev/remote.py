"""Speaks to a run that is under way: its sandbox's clock and webhooks, and the mock events."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import requests

from dev.demo import SECRET_ID
from dev.gateway import STATUS_PATH
from dev.processes import LOOPBACK
from dev.sandbox.mock_events import post_mock_events
from dev.sandbox.station import post

_ANSWER_SECONDS = 5
_BAD_REQUEST = 400
_CLOCK_ANSWER_SECONDS = 1
_CLOCK_AGE_SECONDS = 0.5


class NotRunningError(RuntimeError):
    """No run answers there as it should; the text says what to do."""


class SimulatedClock:
    """The sandbox's simulated time, asked for at most twice a second.

    Args:
        sandbox: The sandbox's address, e.g. "http://127.0.0.1:9100".
    """

    def __init__(self, sandbox: str) -> None:
        self._sandbox = sandbox
        self._at: datetime | None = None
        self._asked = float("-inf")
        self._lock = Lock()

    def __call__(self) -> datetime | None:
        """Return the time, aware; None before the first evening and while nobody answers."""
        with self._lock:
            if time.monotonic() - self._asked > _CLOCK_AGE_SECONDS:
                self._at = self._ask()
                self._asked = time.monotonic()
            return self._at

    def _ask(self) -> datetime | None:
        try:
            url = f"{self._sandbox}/_control/state"
            evenings = requests.get(url, timeout=_CLOCK_ANSWER_SECONDS).json()["evenings"]
        except requests.RequestException:
            return None
        at = evenings[0]["at"] if evenings else None
        return datetime.fromisoformat(at) if at else None


def turn_webhooks(port: int, *, on: bool) -> None:
    """Have the sandbox send webhooks, or lose them from now on.

    Args:
        port: The run's.
        on: Whether they are sent.

    Raises:
        NotRunningError: No run answers at the port.
    """
    tell_sandbox(port, "webhooks", {"silent": not on})


def tell_sandbox(port: int, switch: str, said: Mapping[str, object]) -> dict[str, Any]:
    """Turn one of the sandbox's switches, and return its answer.

    Args:
        port: The run's.
        switch: Its name under ``/_control/``.
        said: What it is told.

    Raises:
        NotRunningError: No run answers at the port, or its sandbox refused.
    """
    return _told("POST", f"{run_status(port)['sandbox']}/_control/{switch}", dict(said))


def post_mocks(port: int) -> list[int]:
    """Post the specification's three mock events, signed, and return the HTTP statuses.

    Args:
        port: The run's.

    Raises:
        NotRunningError: No run answers at the port.
    """
    payloads = json.loads(Path(run_status(port)["secretsFile"]).read_text())
    secret = payloads[SECRET_ID]["webhookSecrets"][0]
    return post_mock_events(post, f"http://{LOOPBACK}:{port}/opentable-webhook", secret)


def run_status(port: int) -> dict[str, Any]:
    """Return where the parts of a run are to be found.

    Args:
        port: The run's.

    Raises:
        NotRunningError: No run answers at the port.
    """
    return _told("GET", f"http://{LOOPBACK}:{port}{STATUS_PATH}")


def _told(method: str, url: str, said: object = None) -> dict[str, Any]:
    try:
        reply = requests.request(method, url, json=said, timeout=_ANSWER_SECONDS)
        if reply.status_code == _BAD_REQUEST:
            raise NotRunningError(f"The sandbox refused: {reply.json()['error']}.")
        reply.raise_for_status()
        return dict(reply.json())
    except requests.RequestException as error:
        raise NotRunningError(
            f"No run answers at {url} ({type(error).__name__}): start one with `make run`, "
            "or name its port with --port."
        ) from None
