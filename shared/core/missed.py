"""Changes that a webhook should have brought, but a poll or a reconciliation had to find."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

RETRY_WINDOW = timedelta(minutes=5)
_NEWS = ("status", "startAt", "partySize")


def is_missed(entry: Mapping[str, Any], now: datetime) -> bool:
    """Whether a journal entry's change is one that the webhooks let slip.

    Only a status, a time or a party size counts, and only once the sender's retries must have
    ended: OpenTable gives up after about a minute.

    Args:
        entry: The journal entry that a poll or a reconciliation wrote.
        now: The current time, UTC.
    """
    told = any(name in entry["changes"] for name in _NEWS)
    return told and now - entry["occurredAt"] > RETRY_WINDOW
