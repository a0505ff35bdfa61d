"""Control a running local run: sandbox clock, webhooks, mock events and further restaurants."""

import argparse
import base64
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import requests

from cli.credentials import read_credentials
from cli.output import CommandError
from cli.target import LOCAL_WEBHOOK_PATH, RunNotReachableError, build_run_url, read_run_status
from dev.local.demo_data import DEMO_RESTAURANT_ID, DEMO_SECRET_ID, DEMO_TIME_ZONE
from sandbox.simulator import post_webhook
from sandbox.webhook_senders import post_mock_events, read_fresh_mock_events
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth import CREDENTIAL_KEYS

_TIMEOUT_SECONDS = 5
_HTTP_BAD_REQUEST = 400
_CLOCK_TIMEOUT_SECONDS = 1
_MOCK_VISIT_DELAY = timedelta(days=60)
_DEFAULT_RESERVATIONS = 900
_MAX_CLOCK_AGE_SECONDS = 0.5


class SimulatedClock:
    """The sandbox's simulated time, asked for at most twice a second."""

    def __init__(self, sandbox_url: str) -> None:
        self._sandbox_url = sandbox_url
        self._simulated_time: datetime | None = None
        self._queried_at = float("-inf")
        self._lock = Lock()

    def __call__(self) -> datetime | None:
        """Return the simulated time (aware), None before the first day or without a response."""
        with self._lock:
            if time.monotonic() - self._queried_at > _MAX_CLOCK_AGE_SECONDS:
                self._simulated_time = None
                with suppress(requests.RequestException):
                    url = f"{self._sandbox_url}/_control/state"
                    evenings = requests.get(url, timeout=_CLOCK_TIMEOUT_SECONDS).json()["evenings"]
                    if evenings and evenings[0]["at"]:
                        self._simulated_time = datetime.fromisoformat(evenings[0]["at"])
                # Also after a failure: a sandbox without response must not delay every line.
                self._queried_at = time.monotonic()
            return self._simulated_time


def set_webhooks_enabled(port: int, *, is_enabled: bool) -> str:
    """Have the sandbox send webhooks, or lose them from now on; return what to expect."""
    set_sandbox_switch(port, "webhooks", {"silent": not is_enabled})
    if is_enabled:
        return "OpenTable sends webhooks again. The next change shows one."
    return (
        "OpenTable's webhooks are lost from now on. Within 15 simulated minutes a poll fetches "
        "what they would have reported."
    )


def set_sandbox_switch(port: int, switch: str, body: Mapping[str, object]) -> dict[str, Any]:
    """Set a switch under ``/_control/`` of the sandbox, and return its response.

    Raises:
        CommandError: The sandbox rejected the request, or no run responds at the port.
    """
    url = f"{read_run_status(port)['sandbox']}/_control/{switch}"
    try:
        response = requests.post(url, json=dict(body), timeout=_TIMEOUT_SECONDS)
        if response.status_code == _HTTP_BAD_REQUEST:
            raise CommandError(f"The sandbox refused: {response.json()['error']}.")
        response.raise_for_status()
        return dict(response.json())
    except requests.RequestException as error:
        raise RunNotReachableError(url, error) from None


def post_mock_events_to_run(port: int) -> str:
    """Post the three signed mock events; return what happened and where it shows."""
    payloads = json.loads(Path(read_run_status(port)["secretsFile"]).read_text())
    secret = payloads[DEMO_SECRET_ID]["webhookSecrets"][0]
    now = datetime.now(ZoneInfo(DEMO_TIME_ZONE))
    # After the days that reconciliations compare: OpenTable does not know this reservation.
    visit_at = now.replace(hour=19, minute=15, second=0, microsecond=0) + _MOCK_VISIT_DELAY
    url, events = build_run_url(port, LOCAL_WEBHOOK_PATH), read_fresh_mock_events(visit_at, now)
    statuses = post_mock_events(post_webhook, url, secret, events)
    page = build_run_url(port, f"/#/{DEMO_RESTAURANT_ID}/reservations/{visit_at:%Y-%m-%d}")
    return (
        f"created, updated, cancelled: {' '.join(map(str, statuses))}\n"
        f"John Doe's table for 6 on {visit_at:%d %B}, 7:15 PM, was canceled: {page}"
    )


def add_sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("rid", type=int, help="OpenTable's number of the restaurant")
    parser.add_argument("--time-zone", help="add the restaurant, in this IANA time zone")
    parser.add_argument(
        "--reservations",
        type=int,
        default=_DEFAULT_RESERVATIONS,
        help="how many it has at the start (default 900)",
    )
    credential = parser.add_mutually_exclusive_group()
    credential.add_argument(
        "--credentials-file", metavar="FILE", help="send webhooks with these credentials only"
    )
    credential.add_argument(
        "--wrong-credential", action="store_true", help="send webhooks with wrong credentials"
    )


def update_sandbox_restaurant(args: argparse.Namespace) -> str:
    """Add a restaurant, or change its webhook credentials; return what changed."""
    body: dict[str, object] = {"rid": args.rid}
    if args.time_zone:
        body |= {"zone": args.time_zone, "reservations": args.reservations}
    if args.credentials_file:
        # The file replaces all credentials: what is not in it is not sent any more.
        no_credentials = {"authorization": "", "signing_secret": ""}
        body |= no_credentials | to_sender_credentials(read_credentials(args.credentials_file))
    if args.wrong_credential:
        body["wrong_credential"] = True
    response = set_sandbox_switch(args.port, "restaurants", body)
    schemes = " and ".join(response["webhookAuth"])
    if args.wrong_credential:
        return (
            f"Webhooks of {args.rid} now have a wrong credential ({schemes}) and are refused. The "
            "next change sends one, usually within half a minute."
        )
    if args.credentials_file:
        if not schemes:
            return f"{args.credentials_file} has no webhook credential: {args.rid} sends none."
        return (
            f"Webhooks of {args.rid} now have the credential of {args.credentials_file} "
            f"({schemes}). The next change sends one, usually within half a minute."
        )
    return (
        f"{args.rid} is open in {response['zone']}, with {response['reservations']} reservations. "
        + (f"It sends webhooks ({schemes})." if schemes else "It sends no webhooks yet.")
    )


def to_sender_credentials(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Return the senders' credentials as the sandbox's control API expects them.

    Of each list in the secret's payload, the first credential counts.
    """
    newest = {
        scheme: (credentials.get(key) or [None])[0] for scheme, key in CREDENTIAL_KEYS.items()
    }
    fields: dict[str, str] = {}
    if user_and_password := newest[WebhookAuthScheme.BASIC]:
        encoded = base64.b64encode(user_and_password.encode()).decode()
        fields["authorization"] = f"Basic {encoded}"
    if token := newest[WebhookAuthScheme.BEARER]:
        fields["authorization"] = f"Bearer {token}"
    if signing_secret := newest[WebhookAuthScheme.STANDARD_WEBHOOKS]:
        fields["signing_secret"] = signing_secret
    return fields
