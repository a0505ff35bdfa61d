"""Whether a restaurant's webhooks fell silent, judged from outside the webhook.

A run (a poll or a reconciliation) is *deaf* when it found changes that a webhook should have
brought, and no webhook was journaled since the first of them happened: a webhook that is
merely lossy, or slow, is heard in between. A run that found no such change says nothing either
way, for then nothing should have been heard. `SILENT_AFTER_RUNS` deaf runs with no webhook
between them raise the alarm; the first webhook ends it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

SILENT_AFTER_RUNS = 3


class Silence(Struct, frozen=True):
    """What the runs so far have noticed.

    Attributes:
        runs: Deaf runs since a webhook was last heard, counted up to `SILENT_AFTER_RUNS`.
        since: When the first change happened that no webhook brought, UTC; None while there
            is none.
    """

    runs: int = 0
    since: datetime | None = None

    @property
    def alarms(self) -> bool:
        """Whether the webhooks count as silent."""
        return self.runs >= SILENT_AFTER_RUNS

    def after_run(self, missed_since: datetime | None, heard_at: datetime | None) -> "Silence":
        """Return what is noticed after one more run.

        Args:
            missed_since: When the first change happened that the run found in a webhook's
                stead, UTC; None where it found none.
            heard_at: When a webhook was last journaled, UTC; None where none ever was.
        """
        if self.since is not None and heard_at is not None and heard_at >= self.since:
            return Silence().after_run(missed_since, heard_at)
        if missed_since is None or (heard_at is not None and heard_at >= missed_since):
            return self
        return Silence(min(self.runs + 1, SILENT_AFTER_RUNS), self.since or missed_since)

    def stored(self) -> dict[str, Any]:
        """Return it as fields of the settings document, by dotted path."""
        return {
            "poll.deafRuns": self.runs,
            "poll.deafSince": self.since,
            "poll.webhooksSilentSince": self.since if self.alarms else None,
        }


def silence_in(document: Mapping[str, Any]) -> Silence:
    """Read it back from a settings document."""
    poll = document.get("poll") or {}
    return Silence(poll.get("deafRuns") or 0, poll.get("deafSince"))
