"""Finds a `make run` on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

LOCAL_STATUS_PATH = "/_local/status"
LOCAL_WEBHOOK_PATH = "/opentable-webhook"
_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A running `make run`: the port of its page, and the addresses of its parts."""

    port: int
    status: Mapping[str, Any]


class RunNotReachableError(RuntimeError):
    """No run responds; the message says what to do."""


def build_run_url(port: int, path: str) -> str:
    """Return an address of the run whose page is at this port."""
    return f"http://127.0.0.1:{port}{path}"


def read_run_status(port: int) -> dict[str, Any]:
    """Return the addresses of a run's parts.

    Raises:
        RunNotReachableError: No run responds at the port.
    """
    url = build_run_url(port, LOCAL_STATUS_PATH)
    try:
        response = requests.get(url, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return dict(response.json())
    except (requests.RequestException, ValueError) as error:
        raise RunNotReachableError(
            f"No run answers at {url} ({type(error).__name__}): start one with `make run`, "
            "or name its port with --port."
        ) from None
