"""The specification's three mock events, signed and posted to a webhook of one's own.

``python -m sandbox.mock_events URL``, with the secret in ``SANDBOX_SIGNING_SECRET``.
"""

import json
import os
import sys
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


def post_mock_events(
    post: PostFunction, url: str, secret: str, clock: ClockFunction = read_system_time
) -> list[int]:
    """Post the three events, signed with ``secret`` by ``clock``; return the statuses."""
    statuses = []
    for body in read_mock_events():
        signed = build_signed_headers(secret, json.loads(body)["id"], clock(), body)
        statuses.append(post(url, {"content-type": "application/json", **signed}, body))
    return statuses


if __name__ == "__main__":
    print(post_mock_events(post_webhook, sys.argv[1], os.environ["SANDBOX_SIGNING_SECRET"]))
