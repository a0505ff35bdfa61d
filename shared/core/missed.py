"""Changes that a webhook should have brought, but a poll or a reconciliation had to find."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

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


class Missed(Struct):
    """The changes that one run found in the webhooks' stead.

    Attributes:
        count: How many.
        since: When the first of them happened, UTC; None where there is none.
    """

    count: int = 0
    since: datetime | None = None

    def note(self, entry: Mapping[str, Any], now: datetime) -> None:
        """Take up a journal entry's change where it is one (see `is_missed`)."""
        if is_missed(entry, now):
            self.count += 1
            happened: datetime = entry["occurredAt"]
            self.since = happened if self.since is None else min(self.since, happened)
