"""Changes that a webhook should have brought, but a poll or a reconciliation had to find."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

WEBHOOK_RETRY_WINDOW = timedelta(minutes=5)
_WATCHED_FIELDS = ("status", "startAt", "partySize")


def is_missed_webhook(entry: Mapping[str, Any], now: datetime) -> bool:
    """Whether a journal entry's change is one that the webhooks let slip.

    Only a status, a time or a party size counts, and only once the sender's retries must have
    ended: OpenTable gives up after about a minute.

    Args:
        entry: The journal entry that a poll or a reconciliation wrote.
        now: The current time, UTC.
    """
    is_relevant = any(name in entry["changes"] for name in _WATCHED_FIELDS)
    return is_relevant and now - entry["occurredAt"] > WEBHOOK_RETRY_WINDOW


class MissedWebhooks(Struct):
    """The changes that one run found in the webhooks' stead.

    Attributes:
        count: How many.
        since: When the first of them happened, UTC; None where there is none.
    """

    count: int = 0
    since: datetime | None = None

    def record(self, entry: Mapping[str, Any], now: datetime) -> None:
        """Take up a journal entry's change where it is one (see `is_missed_webhook`)."""
        if is_missed_webhook(entry, now):
            self.count += 1
            occurred_at: datetime = entry["occurredAt"]
            self.since = occurred_at if self.since is None else min(self.since, occurred_at)
