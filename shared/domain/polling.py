"""Changes that a webhook should have brought, but a poll or a reconciliation had to find.

Whether a restaurant's webhooks fell silent, judged from outside the webhook.

A run (a poll or a reconciliation) is *deaf* when it found changes that a webhook should have
brought, and no webhook was journaled since the first of them happened: a webhook that is
merely lossy, or slow, is heard in between. A run that found no such change says nothing either
way, for then nothing should have been heard. `SILENCE_THRESHOLD_RUNS` deaf runs with no webhook
between them raise the alarm; the first webhook ends it.

The poll's cursor: up to when a book was read. It belongs to that book alone.
"""

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


SILENCE_THRESHOLD_RUNS = 3


class WebhookSilence(Struct, frozen=True):
    """What the runs so far have noticed.

    Attributes:
        missed_runs: Deaf runs since a webhook was last heard, counted up to
            `SILENCE_THRESHOLD_RUNS`.
        missed_since: When the first change happened that no webhook brought, UTC; None while there
            is none.
    """

    missed_runs: int = 0
    missed_since: datetime | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the webhooks count as silent."""
        return self.missed_runs >= SILENCE_THRESHOLD_RUNS

    def with_run(
        self, first_missed_at: datetime | None, last_webhook_at: datetime | None
    ) -> "WebhookSilence":
        """Return what is noticed after one more run.

        Args:
            first_missed_at: When the first change happened that the run found in a webhook's
                stead, UTC; None where it found none.
            last_webhook_at: When a webhook was last journaled, UTC; None where none ever was.
        """
        if (
            self.missed_since is not None
            and last_webhook_at is not None
            and last_webhook_at >= self.missed_since
        ):
            return WebhookSilence().with_run(first_missed_at, last_webhook_at)
        if first_missed_at is None or (
            last_webhook_at is not None and last_webhook_at >= first_missed_at
        ):
            return self
        return WebhookSilence(
            min(self.missed_runs + 1, SILENCE_THRESHOLD_RUNS), self.missed_since or first_missed_at
        )

    def to_update_fields(self) -> dict[str, Any]:
        """Return it as fields of the settings document, by dotted path."""
        return {
            "poll.missedRuns": self.missed_runs,
            "poll.missedSince": self.missed_since,
            "poll.webhooksSilentSince": self.missed_since if self.is_silent else None,
        }


def webhook_silence_from_document(document: Mapping[str, Any]) -> WebhookSilence:
    """Read it back from a settings document."""
    poll = document.get("poll") or {}
    return WebhookSilence(poll.get("missedRuns") or 0, poll.get("missedSince"))


def poll_cursor_from_document(document: Mapping[str, Any]) -> datetime | None:
    """Return up to when the book that the settings name was read, or None where it never was.

    Another book's cursor would let the poll pass over all that this one has said before it.

    Args:
        document: The integration's settings as stored; a cursor stored without its rid is
            that of the settings.
    """
    poll, rid = document.get("poll") or {}, document.get("restaurantId")
    cursor: datetime | None = poll.get("cursor")
    return cursor if poll.get("rid", rid) == rid else None


def poll_cursor_to_map(rid: str, cursor: datetime) -> dict[str, Any]:
    """Return a cursor as fields of ``poll``.

    Args:
        rid: Whose book was read.
        cursor: The time before the first request.
    """
    return {"rid": rid, "cursor": cursor}
