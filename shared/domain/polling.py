"""The poll's schedule and cursor, and the detection of missing webhooks by poll and reconciliation.

A run (poll or reconciliation) *misses webhooks* if it finds a change normally brought by a webhook,
and no webhook was journaled since that change happened. A slow or lossy sender therefore does not
count: some webhook arrives in between. A run without such a change proves nothing and is ignored.
`SILENCE_THRESHOLD_RUNS` runs with missed webhooks raise an alert; the next webhook ends it.

The scheduler calls the poll every `POLL_INTERVAL`. A restaurant with working webhooks and without
changes is polled less often.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

# OpenTable stops retrying a webhook after about a minute.
WEBHOOK_RETRY_WINDOW = timedelta(minutes=5)
SILENCE_THRESHOLD_RUNS = 3
_WATCHED_FIELDS = ("status", "startAt", "partySize")

POLL_INTERVAL = timedelta(minutes=15)
# The scheduler's calls are not exactly one interval apart.
_POLL_INTERVAL_TOLERANCE = timedelta(minutes=1)
# Webhooks count as unreliable for this time after a missed one.
MISS_MEMORY = timedelta(days=1)

# The clocks of two instances differ by less.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)
# Before the first run of any restaurant.
_EARLIEST_RUN = datetime(2000, 1, 1, tzinfo=UTC)


class MissedWebhooks(Struct):
    """The changes found by one run instead of by a webhook.

    Attributes:
        since: Time of the earliest change, UTC; None without one.
    """

    count: int = 0
    since: datetime | None = None

    def lag_seconds(self, now: datetime) -> int | None:
        """Return the age of the earliest change, None without one."""
        return None if self.since is None else round((now - self.since).total_seconds())

    def to_update_fields(self, now: datetime) -> dict[str, Any]:
        """Return the fields of the settings document for a run that missed webhooks."""
        if self.since is None:
            return {}
        return {"poll.lastMissedAt": now, "poll.lastMissedLagSeconds": self.lag_seconds(now)}

    def record(self, entry: Mapping[str, Any], now: datetime) -> None:
        """Count a journal entry of this run if a webhook was due: see `WEBHOOK_RETRY_WINDOW`."""
        occurred_at: datetime = entry["occurredAt"]
        is_relevant = any(name in entry["changes"] for name in _WATCHED_FIELDS)
        if is_relevant and now - occurred_at > WEBHOOK_RETRY_WINDOW:
            self.count += 1
            self.since = occurred_at if self.since is None else min(self.since, occurred_at)


def is_poll_due(document: Mapping[str, Any], now: datetime, quiet_interval: timedelta) -> bool:
    """Return whether a call of the scheduler must poll the restaurant of a settings document.

    It may wait for the next call if its last poll found nothing, its webhooks are proven to work,
    and nothing else waits for a poll.

    Args:
        document: The settings document, with the state of earlier polls.
        now: The current time, UTC.
        quiet_interval: The longest time between two polls.
    """
    poll = read_run_state(document, "poll")
    started_at, updated_at = poll.get("lastStartedAt"), document.get("updatedAt")
    if not isinstance(started_at, datetime) or started_at > now:
        return True
    # Wait only if the next call comes before the interval ends.
    if now - started_at + POLL_INTERVAL >= quiet_interval + _POLL_INTERVAL_TOLERANCE:
        return True
    backfill_status = read_run_state(document, "backfill").get("status")
    guests_retry_at = read_run_state(document, "guestFailures").get("retryAt")
    has_work = (
        backfill_status == "RUNNING"
        or (isinstance(guests_retry_at, datetime) and guests_retry_at <= now)
        # The settings changed, so the poll may see other rows.
        or (isinstance(updated_at, datetime) and updated_at >= started_at)
    )
    found_nothing = poll.get("lastOutcome") == "ok" and poll.get("foundChanges") is False
    if has_work or not found_nothing or poll_cursor_from_document(document, now) is None:
        return True
    return not has_proven_webhooks(document, now)


def has_proven_webhooks(document: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a restaurant's webhooks delivered a change, and missed none since.

    New settings and credentials need a new proof. Without changes nothing can be missed, so a proof
    does not expire.
    """
    poll = read_run_state(document, "poll")
    proven_at, missed_at = poll.get("webhooksProvenAt"), poll.get("lastMissedAt")
    if not isinstance(proven_at, datetime) or not document.get("webhookAuth"):
        return False
    invalidated_at = (missed_at, document.get("updatedAt"), document.get("credentialsChangedAt"))
    if any(isinstance(at, datetime) and at >= proven_at for at in invalidated_at):
        return False
    if isinstance(missed_at, datetime) and now - missed_at < MISS_MEMORY:
        return False
    misses_none = webhook_silence_from_document(document) == WebhookSilence()
    return misses_none and not poll.get("problems")


class WebhookSilence(Struct, frozen=True):
    """The runs with missed webhooks since the last webhook.

    Attributes:
        missed_runs: Their number, up to `SILENCE_THRESHOLD_RUNS`.
        missed_since: Time of the first missed change, UTC; None without one.
    """

    missed_runs: int = 0
    missed_since: datetime | None = None

    @property
    def is_silent(self) -> bool:
        """Whether to alert."""
        return self.missed_runs >= SILENCE_THRESHOLD_RUNS

    def with_run(
        self, first_missed_at: datetime | None, last_webhook_at: datetime | None
    ) -> "WebhookSilence":
        """Return the state after one more run.

        Args:
            first_missed_at: Time of the first missed change found by the run, UTC.
            last_webhook_at: Time of the newest journaled webhook, UTC.
        """

        def has_webhook_since(missed_at: datetime) -> bool:
            return last_webhook_at is not None and last_webhook_at >= missed_at

        silence = self
        if self.missed_since is not None and has_webhook_since(self.missed_since):
            silence = WebhookSilence()  # webhooks work again: start over with this run
        if first_missed_at is None or has_webhook_since(first_missed_at):
            return silence
        missed_runs = min(silence.missed_runs + 1, SILENCE_THRESHOLD_RUNS)
        return WebhookSilence(missed_runs, silence.missed_since or first_missed_at)

    def to_update_fields(self) -> dict[str, Any]:
        """Return the state as fields of the settings document, by dotted path."""
        return {
            "poll.missedRuns": self.missed_runs,
            "poll.missedSince": self.missed_since,
            "poll.webhooksSilentSince": self.missed_since if self.is_silent else None,
        }


def webhook_silence_from_document(document: Mapping[str, Any]) -> WebhookSilence:
    """Restore the state from a settings document; values of another type count as absent."""
    poll = read_run_state(document, "poll")
    runs, since = poll.get("missedRuns"), poll.get("missedSince")
    if not isinstance(runs, int) or not isinstance(since, datetime):
        return WebhookSilence()
    return WebhookSilence(runs, since)


def poll_cursor_from_document(document: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the time up to which the restaurant was polled; None before its first poll.

    A damaged cursor counts as none: the next poll starts from the beginning and misses nothing.
    """
    poll, rid = read_run_state(document, "poll"), document.get("restaurantId")
    cursor = read_run_time(poll, "cursor", now)
    # The cursor of another rid would skip this restaurant's earlier changes. A cursor without a
    # rid belongs to the rid of the settings.
    return cursor if poll.get("rid", rid) == rid else None


def poll_cursor_to_map(rid: str, cursor: datetime) -> dict[str, Any]:
    """Return the fields of ``poll`` for a cursor: the time before the first request of a poll."""
    return {"rid": rid, "cursor": cursor}


def read_run_state(document: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the state of one kind of run in a settings document; empty if it is no map.

    A person may edit the document by hand. The next run replaces a damaged state.
    """
    state = document.get(kind)
    return state if isinstance(state, Mapping) else {}


def read_run_time(state: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """Return a time of an earlier run, None if it is missing or impossible.

    A time in the future, edited by hand, would postpone the next run until then.
    """
    at = state.get(name)
    is_possible = isinstance(at, datetime) and _EARLIEST_RUN <= at <= now + MAX_CLOCK_DIFFERENCE
    return at if is_possible else None


def read_count(state: Mapping[str, Any], name: str) -> int:
    """Return a count of a run's state, 0 if it is missing or has another type."""
    count = state.get(name)
    return count if isinstance(count, int) else 0
