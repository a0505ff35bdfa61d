"""Whether a restaurant's webhooks fell silent, judged from outside the webhook.

A run (a poll or a reconciliation) is *deaf* when it found changes that a webhook should have
brought, and no webhook was journaled since the first of them happened: a webhook that is
merely lossy, or slow, is heard in between. A run that found no such change says nothing either
way, for then nothing should have been heard. `SILENCE_THRESHOLD_RUNS` deaf runs with no webhook
between them raise the alarm; the first webhook ends it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

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
