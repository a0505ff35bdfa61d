"""The specification's three mock events, signed and posted to a webhook of one's own.

``python -m sandbox.mock_events URL``, with the secret in ``SANDBOX_SIGNING_SECRET``.
"""

import json
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.clock import ClockFunction, read_system_time
from sandbox.simulator import post_webhook
from sandbox.webhook_delivery import PostFunction
from sandbox.webhook_senders import build_signed_headers

_FOLDER = Path(__file__).with_name("events")
_ORDER = ("created", "updated", "cancelled")


def read_mock_events() -> list[bytes]:
    """Return the bodies in chronological order: created, updated, cancelled."""
    return [(_FOLDER / f"reservation_{name}.json").read_bytes() for name in _ORDER]


def read_fresh_mock_events(visit_at: datetime, now: datetime) -> list[bytes]:
    """Return the three events about a new reservation at ``visit_at``, ending at ``now``.

    Each call makes new ids: a repeated event id with another content would be quarantined.
    """
    suffix = secrets.token_hex(3)
    bodies = []
    for seconds, body in zip((2, 1, 0), read_mock_events(), strict=True):
        event = json.loads(body)
        event["id"] += f"_{suffix}"
        event["timestamp"] = _format_utc(now - timedelta(seconds=seconds))
        event["data"]["reservationId"] += f"_{suffix}"
        if "reservationDateTime" in event["data"]:
            event["data"]["reservationDateTime"] = _format_utc(visit_at)
        bodies.append(json.dumps(event).encode())
    return bodies


def _format_utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def post_mock_events(
    post: PostFunction,
    url: str,
    secret: str,
    clock: ClockFunction = read_system_time,
    bodies: Sequence[bytes] | None = None,
) -> list[int]:
    """Post the three events, signed with ``secret`` by ``clock``; return the statuses."""
    statuses = []
    for body in read_mock_events() if bodies is None else bodies:
        signed = build_signed_headers(secret, json.loads(body)["id"], clock(), body)
        statuses.append(post(url, {"content-type": "application/json", **signed}, body))
    return statuses


if __name__ == "__main__":
    print(post_mock_events(post_webhook, sys.argv[1], os.environ["SANDBOX_SIGNING_SECRET"]))
