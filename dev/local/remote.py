"""Control a running local run: sandbox clock, webhooks, mock events and further restaurants."""

import argparse
import base64
import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import requests

from cli.credentials import generate_credentials, read_credentials
from cli.local_run import (
    LOCAL_WEBHOOK_PATH,
    RunNotReachableError,
    build_run_url,
    read_run_status,
)
from dev.local.demo_data import DEMO_SECRET_ID
from sandbox.mock_events import post_mock_events
from sandbox.simulator import post_webhook
from shared.domain.settings import WebhookAuthScheme
from shared.restaurants.webhook_credentials import CREDENTIAL_KEYS

_TIMEOUT_SECONDS = 5
_HTTP_BAD_REQUEST = 400
_CLOCK_TIMEOUT_SECONDS = 1
_MAX_CLOCK_AGE_SECONDS = 0.5


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
        """Return the simulated time (aware), None before the first day or without a response."""
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
        RunNotReachableError: No run answers at the port.
    """
    set_sandbox_switch(port, "webhooks", {"silent": not is_enabled})


def set_sandbox_switch(port: int, switch: str, body: Mapping[str, object]) -> dict[str, Any]:
    """Set a switch under ``/_control/`` of the sandbox, and return its response.

    Raises:
        RunNotReachableError: No run responds at the port, or its sandbox rejected the request.
    """
    return _post_json(f"{read_run_status(port)['sandbox']}/_control/{switch}", dict(body))


def post_mock_events_to_run(port: int) -> list[int]:
    """Post the specification's three mock events, signed, and return the HTTP statuses.

    Args:
        port: The run's.

    Raises:
        RunNotReachableError: No run answers at the port.
    """
    payloads = json.loads(Path(read_run_status(port)["secretsFile"]).read_text())
    secret = payloads[DEMO_SECRET_ID]["webhookSecrets"][0]
    return post_mock_events(post_webhook, build_run_url(port, LOCAL_WEBHOOK_PATH), secret)


def _post_json(url: str, body: object) -> dict[str, Any]:
    try:
        response = requests.post(url, json=body, timeout=_TIMEOUT_SECONDS)
        if response.status_code == _HTTP_BAD_REQUEST:
            raise RunNotReachableError(f"The sandbox refused: {response.json()['error']}.")
        response.raise_for_status()
        return dict(response.json())
    except requests.RequestException as error:
        raise RunNotReachableError(
            f"No run answers at {url} ({type(error).__name__}): start one with `make run`, "
            "or name its port with --port."
        ) from None


_DEFAULT_RESERVATIONS = 900


def add_sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("rid", type=int, help="OpenTable's number for the restaurant")
    parser.add_argument("--time-zone", help="open the restaurant, in this IANA zone")
    parser.add_argument(
        "--reservations", type=int, default=_DEFAULT_RESERVATIONS, help="in its book at the start"
    )
    credential = parser.add_mutually_exclusive_group()
    credential.add_argument(
        "--credentials-file", metavar="FILE", help="what its webhooks prove themselves with"
    )
    credential.add_argument(
        "--wrong-credential", action="store_true", help="have its webhooks prove nothing"
    )


def update_sandbox_restaurant(args: argparse.Namespace) -> str:
    """Add a restaurant, or change its webhook credentials; return what was done.

    Raises:
        RunNotReachableError: No run responds at the port, or its sandbox rejected the request.
        InvalidSettingsError: The credentials cannot be read.
    """
    new_restaurant = (
        {"zone": args.time_zone, "reservations": args.reservations} if args.time_zone else {}
    )
    credentials: Mapping[str, Any] = {}
    if args.wrong_credential:
        credentials = generate_credentials(WebhookAuthScheme)
    elif args.credentials_file:
        credentials = read_credentials(args.credentials_file)
    body = {"rid": args.rid, **new_restaurant, **to_sender_credentials(credentials)}
    response = set_sandbox_switch(args.port, "restaurants", body)
    return f"{response['rid']} is open, with {response['reservations']} reservations."


def to_sender_credentials(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Return the senders' credentials as the sandbox's control API expects them.

    Of each list in the secret's payload, the first credential counts.
    """
    fields = {}
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.BASIC]):
        user_and_password = credentials[CREDENTIAL_KEYS[WebhookAuthScheme.BASIC]][0].encode()
        fields["authorization"] = f"Basic {base64.b64encode(user_and_password).decode()}"
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.BEARER]):
        fields["authorization"] = (
            f"Bearer {credentials[CREDENTIAL_KEYS[WebhookAuthScheme.BEARER]][0]}"
        )
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.STANDARD_WEBHOOKS]):
        fields["signing_secret"] = credentials[
            CREDENTIAL_KEYS[WebhookAuthScheme.STANDARD_WEBHOOKS]
        ][0]
    return fields
