"""Speaks to a run that is under way: its sandbox's clock and webhooks, and the mock events."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import requests

from dev.demo import DEMO_SECRET_ID
from dev.gateway import LOCAL_STATUS_PATH
from dev.processes import LOOPBACK
from dev.sandbox.mock_events import post_mock_events
from dev.sandbox.station import post_webhook

_TIMEOUT_SECONDS = 5
_HTTP_BAD_REQUEST = 400
_CLOCK_TIMEOUT_SECONDS = 1
_MAX_CLOCK_AGE_SECONDS = 0.5


class RunNotReachableError(RuntimeError):
    """No run answers there as it should; the text says what to do."""


class SimulatedClock:
    """The sandbox's simulated time, asked for at most twice a second.

    Args:
        sandbox: The sandbox's address, e.g. "http://127.0.0.1:9100".
    """

    def __init__(self, sandbox: str) -> None:
        self._sandbox = sandbox
        self._simulated_time: datetime | None = None
        self._queried_at = float("-inf")
        self._lock = Lock()

    def __call__(self) -> datetime | None:
        """Return the time, aware; None before the first evening and while nobody answers."""
        with self._lock:
            if time.monotonic() - self._queried_at > _MAX_CLOCK_AGE_SECONDS:
                self._simulated_time = self._query_time()
                self._queried_at = time.monotonic()
            return self._simulated_time

    def _query_time(self) -> datetime | None:
        try:
            url = f"{self._sandbox}/_control/state"
            evenings = requests.get(url, timeout=_CLOCK_TIMEOUT_SECONDS).json()["evenings"]
        except requests.RequestException:
            return None
        simulated_time = evenings[0]["at"] if evenings else None
        return datetime.fromisoformat(simulated_time) if simulated_time else None


def set_webhooks_enabled(port: int, *, is_enabled: bool) -> None:
    """Have the sandbox send webhooks, or lose them from now on.

    Args:
        port: The run's.
        is_enabled: Whether they are sent.

    Raises:
        NotRunningError: No run answers at the port.
    """
    set_sandbox_switch(port, "webhooks", {"silent": not is_enabled})


def set_sandbox_switch(port: int, switch: str, body: Mapping[str, object]) -> dict[str, Any]:
    """Turn one of the sandbox's switches, and return its answer.

    Args:
        port: The run's.
        switch: Its name under ``/_control/``.
        body: What it is told.

    Raises:
        NotRunningError: No run answers at the port, or its sandbox refused.
    """
    return _request_json(
        "POST", f"{read_run_status(port)['sandbox']}/_control/{switch}", dict(body)
    )


def post_mock_events_to_run(port: int) -> list[int]:
    """Post the specification's three mock events, signed, and return the HTTP statuses.

    Args:
        port: The run's.

    Raises:
        NotRunningError: No run answers at the port.
    """
    payloads = json.loads(Path(read_run_status(port)["secretsFile"]).read_text())
    secret = payloads[DEMO_SECRET_ID]["webhookSecrets"][0]
    return post_mock_events(post_webhook, f"http://{LOOPBACK}:{port}/opentable-webhook", secret)


def read_run_status(port: int) -> dict[str, Any]:
    """Return where the parts of a run are to be found.

    Args:
        port: The run's.

    Raises:
        NotRunningError: No run answers at the port.
    """
    return _request_json("GET", f"http://{LOOPBACK}:{port}{LOCAL_STATUS_PATH}")


def _request_json(method: str, url: str, body: object = None) -> dict[str, Any]:
    try:
        response = requests.request(method, url, json=body, timeout=_TIMEOUT_SECONDS)
        if response.status_code == _HTTP_BAD_REQUEST:
            raise RunNotReachableError(f"The sandbox refused: {response.json()['error']}.")
        response.raise_for_status()
        return dict(response.json())
    except requests.RequestException as error:
        raise RunNotReachableError(
            f"No run answers at {url} ({type(error).__name__}): start one with `make run`, "
            "or name its port with --port."
        ) from None
