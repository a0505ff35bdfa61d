"""A restaurant's health: webhooks that did not arrive or were refused, and a summary of everything.

A run (poll or reconciliation) *misses webhooks* if it finds a change that a webhook should have
brought, and no webhook was journaled since that change happened. If webhooks are only slow or
sometimes lost, another one arrives after the change, and the run misses none. A run without such a
change proves nothing and is ignored. `SILENCE_THRESHOLD_RUNS` runs with missed webhooks raise an
alert; the next webhook ends it.

Refused webhooks are counted by scheme and reason. The counts contain nothing of the requests: only
codes, numbers and times of receipt.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.settings import IntegrationSettings
from shared.domain.validation import (
    MAX_CLOCK_DIFFERENCE,
    is_count,
    read_count,
    read_map,
    read_run_time,
    typed_or_none,
)

# OpenTable stops retrying a webhook after about a minute.
WEBHOOK_RETRY_WINDOW = timedelta(minutes=5)
SILENCE_THRESHOLD_RUNS = 3
_WATCHED_FIELDS = ("status", "startAt", "partySize")
# How long webhooks count as unreliable after a missed one.
UNRELIABLE_PERIOD = timedelta(days=1)

# A longer pause between two refusals begins a new count.
MAX_REFUSAL_PAUSE = timedelta(hours=1)
# Older counts no longer describe the restaurant's present state.
REFUSAL_LIFETIME = timedelta(days=1)

# A poll runs at most 30 minutes after the one before.
MAX_POLL_AGE = timedelta(minutes=45)
# A reconciliation runs each hour.
MAX_RECONCILIATION_AGE = timedelta(hours=3)


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
        """Count a journal entry of the run if its webhook is overdue (`WEBHOOK_RETRY_WINDOW`)."""
        occurred_at: datetime = entry["occurredAt"]
        is_relevant = any(name in entry["changes"] for name in _WATCHED_FIELDS)
        if is_relevant and now - occurred_at > WEBHOOK_RETRY_WINDOW:
            self.count += 1
            self.since = occurred_at if self.since is None else min(self.since, occurred_at)


def has_proven_webhooks(document: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a restaurant's webhooks delivered a change, and missed none since.

    New settings and credentials need a new proof. Without changes nothing can be missed, so a proof
    does not expire.
    """
    poll = read_map(document, "poll")
    proven_at, missed_at = read_run_time(poll, "webhooksProvenAt", now), poll.get("lastMissedAt")
    if proven_at is None or not document.get("webhookAuth"):
        return False
    invalidated_at = (missed_at, document.get("updatedAt"), document.get("credentialsChangedAt"))
    if any(isinstance(at, datetime) and at >= proven_at for at in invalidated_at):
        return False
    if isinstance(missed_at, datetime) and now - missed_at < UNRELIABLE_PERIOD:
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
        """Return the state after a run, from its first missed change and the newest webhook."""

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
    poll = read_map(document, "poll")
    runs, since = poll.get("missedRuns"), poll.get("missedSince")
    if not isinstance(runs, int) or not isinstance(since, datetime):
        return WebhookSilence()
    return WebhookSilence(runs, since)


class WebhookRefusal(Struct, frozen=True):
    """Refused webhooks with the same scheme and reason.

    Attributes:
        scheme: The scheme of the presented credential.
        reason: A code of docs/codes.md#authentication-failures.
        since: Receipt of the first one, UTC.
        last_at: Receipt of the newest one, UTC.
    """

    scheme: str
    reason: str
    count: int
    since: datetime
    last_at: datetime

    def merge(self, other: "WebhookRefusal") -> "WebhookRefusal":
        """Return the sum of two counts, or the later one if there was a long pause between them."""
        first, second = sorted((self, other), key=lambda refusal: refusal.last_at)
        if second.since - first.last_at > MAX_REFUSAL_PAUSE:
            return second
        since = min(first.since, second.since)
        return replace(second, count=first.count + second.count, since=since)

    def to_map(self) -> dict[str, Any]:
        """Return it as stored."""
        return {
            "scheme": self.scheme,
            "reason": self.reason,
            "count": self.count,
            "since": self.since,
            "lastAt": self.last_at,
        }


class RefusalWindow(Struct):
    """The refusals of one restaurant that a process has not yet logged or stored.

    Attributes:
        unlogged: Scheme and reason to a number of refusals.
        logged: Scheme and reason of the refusals with a log line in this minute.
    """

    unstored: list[WebhookRefusal] = field(default_factory=list)
    unlogged: Counter[tuple[str, str]] = field(default_factory=Counter)
    logged: set[tuple[str, str]] = field(default_factory=set)


def merge_refusals(
    stored: Iterable[WebhookRefusal], new: Iterable[WebhookRefusal], now: datetime
) -> list[WebhookRefusal]:
    """Return both lists as one, the newest first, without expired counts."""
    merged: dict[tuple[str, str], WebhookRefusal] = {}
    # A stored time in the future was edited by hand. It would stay the newest.
    past = (each for each in stored if each.last_at <= now + MAX_CLOCK_DIFFERENCE)
    for refusal in (*past, *new):
        key = (refusal.scheme, refusal.reason)
        merged[key] = merged[key].merge(refusal) if key in merged else refusal
    current = [each for each in merged.values() if now - each.last_at <= REFUSAL_LIFETIME]
    return sorted(current, key=lambda refusal: refusal.last_at, reverse=True)


def select_unresolved_refusals(
    refusals: Iterable[WebhookRefusal], last_accepted_at: Mapping[str, datetime], now: datetime
) -> list[WebhookRefusal]:
    """Return the refusals that no accepted webhook of the same scheme followed, newest first."""
    return [
        refusal
        for refusal in merge_refusals(refusals, (), now)
        if (accepted_at := last_accepted_at.get(refusal.scheme)) is None
        or accepted_at <= refusal.last_at
    ]


def refusals_from_document(document: Mapping[str, Any] | None) -> list[WebhookRefusal]:
    """Read stored counts; skip malformed items."""
    stored = typed_or_none(list, (document or {}).get("refusals")) or []
    return [
        WebhookRefusal(item["scheme"], item["reason"], item["count"], item["since"], item["lastAt"])
        for item in stored
        if isinstance(item, Mapping)
        and all(isinstance(item.get(name), str) for name in ("scheme", "reason"))
        and is_count(item.get("count"))
        and all(isinstance(item.get(name), datetime) for name in ("since", "lastAt"))
    ]


class HealthStatus(StrEnum):
    """How urgently a restaurant needs a person."""

    ERROR = "ERROR"
    """Its reservations may be outdated."""
    REVIEW = "REVIEW"
    """Something waits for the decision of a person."""
    WARNING = "WARNING"
    """Webhooks do not arrive or are refused; changes arrive by poll."""
    PAUSED = "PAUSED"
    """The integration is disabled."""
    OK = "OK"


class RestaurantHealth(Struct, frozen=True):
    """A restaurant's status and its causes.

    Attributes:
        reasons: Codes of docs/codes.md#health-reasons, the worst first.
        last_polled_at: End of the last completed poll, UTC.
        last_reconciled_at: End of the last reconciliation, UTC.
        webhooks_silent_since: Since when changes arrive without a webhook, UTC.
        divergences: Divergences without a decision, None before the first complete report.
    """

    status: HealthStatus
    reasons: tuple[str, ...]
    last_polled_at: datetime | None
    last_reconciled_at: datetime | None
    webhooks_silent_since: datetime | None
    divergences: int | None


def summarize_health(
    settings: IntegrationSettings,
    document: Mapping[str, Any],
    now: datetime,
    *,
    open_quarantine: int = 0,
    refused_webhooks: int = 0,
) -> RestaurantHealth:
    """Return a restaurant's health by its settings document.

    Args:
        open_quarantine: Open quarantine items; 0 also if they were not counted.
        refused_webhooks: Refused webhooks without a later accepted one; 0 also if not counted.
    """
    poll = read_map(document, "poll")
    reconciliation = read_map(document, "reconciliation")
    polled_at = typed_or_none(datetime, document.get("lastPolledAt"))
    reconciled_at = typed_or_none(datetime, reconciliation.get("lastReconciledAt"))
    silence = webhook_silence_from_document(document)
    last_status = reconciliation.get("lastStatus")
    stored_divergences = reconciliation.get("openDivergences")
    # A decision of the staff may be about a reservation that no recent report lists.
    divergences = max(0, stored_divergences) if isinstance(stored_divergences, int) else None
    # A new restaurant is not late before its first runs.
    changed_at = typed_or_none(datetime, document.get("updatedAt"))
    is_poll_late = _is_late(polled_at or changed_at, MAX_POLL_AGE, now)
    is_reconciliation_late = _is_late(reconciled_at or changed_at, MAX_RECONCILIATION_AGE, now)
    # The worst cause first.
    causes = [
        ("settings_unusable", HealthStatus.ERROR, bool(settings.problems)),
        ("poll_failed", HealthStatus.ERROR, read_count(poll, "consecutiveFailures") > 0),
        ("poll_late", HealthStatus.ERROR, is_poll_late),
        ("reconciliation_failed", HealthStatus.ERROR, last_status == "FAILED"),
        ("reconciliation_late", HealthStatus.ERROR, is_reconciliation_late),
        ("report_held", HealthStatus.REVIEW, last_status == "HELD"),
        ("divergences_open", HealthStatus.REVIEW, bool(divergences)),
        ("quarantine_open", HealthStatus.REVIEW, open_quarantine > 0),
        ("webhooks_silent", HealthStatus.WARNING, silence.is_silent),
        ("webhooks_refused", HealthStatus.WARNING, refused_webhooks > 0),
    ]
    found = {reason: status for reason, status, is_found in causes if is_found}
    reasons = tuple(found)
    status = found[reasons[0]] if reasons else HealthStatus.OK
    if not settings.is_enabled:
        # Runs skip a disabled restaurant, so nothing else is known about it.
        status, reasons = HealthStatus.PAUSED, ()
    return RestaurantHealth(
        status=status,
        reasons=reasons,
        last_polled_at=polled_at,
        last_reconciled_at=reconciled_at,
        webhooks_silent_since=silence.missed_since if silence.is_silent else None,
        divergences=divergences,
    )


def _is_late(at: datetime | None, limit: timedelta, now: datetime) -> bool:
    return at is not None and now - at > limit
