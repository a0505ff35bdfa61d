"""Signs webhooks by the Standard Webhooks specification, as the signing relay does."""

import base64
import hashlib
import hmac
from datetime import datetime

_PREFIX = "whsec_"


def build_signed_headers(
    secret: str, event_id: str, timestamp: datetime | int, body: bytes
) -> dict[str, str]:
    """Return the three ``webhook-*`` headers of a body.

    Args:
        secret: ``whsec_`` and the key in base64.
        event_id: The message's id.
        timestamp: When this attempt is sent: an aware time, or Unix seconds.
        body: The exact bytes that are sent.
    """
    seconds = timestamp if isinstance(timestamp, int) else int(timestamp.timestamp())
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{event_id}.{seconds}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def encode_signing_secret(key: bytes) -> str:
    """Return ``key`` (24 to 64 bytes) written as a signing secret."""
    return _PREFIX + base64.b64encode(key).decode()
