"""The specification's three mock events, signed and posted to a webhook of one's own.

``python -m dev.sandbox.mock_events URL``, with the secret in ``SANDBOX_SIGNING_SECRET``.
"""

import json
import os
import sys
from pathlib import Path

from dev.sandbox.clock import Clock, utc_now
from dev.sandbox.courier import Post
from dev.sandbox.signing import signed_headers
from dev.sandbox.station import post

_FOLDER = Path(__file__).with_name("events")
_ORDER = ("created", "updated", "cancelled")


def mock_events() -> list[bytes]:
    """Return the bodies in the order in which they happened: created, updated, cancelled."""
    return [(_FOLDER / f"reservation_{name}.json").read_bytes() for name in _ORDER]


def post_mock_events(post: Post, url: str, secret: str, clock: Clock = utc_now) -> list[int]:
    """Post the three events, signed with ``secret`` by ``clock``; return the statuses."""
    statuses = []
    for body in mock_events():
        signed = signed_headers(secret, json.loads(body)["id"], clock(), body)
        statuses.append(post(url, {"content-type": "application/json", **signed}, body))
    return statuses


if __name__ == "__main__":
    print(post_mock_events(post, sys.argv[1], os.environ["SANDBOX_SIGNING_SECRET"]))
