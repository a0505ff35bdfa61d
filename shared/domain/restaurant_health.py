"""Summarize a restaurant's health from its settings document and counts, for a list of many."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from shared.domain.run_state import read_count
from shared.domain.settings import IntegrationSettings
from shared.domain.validation import read_map, typed_or_none
from shared.domain.webhook_health import webhook_silence_from_document

# A poll runs at most 30 minutes after the one before.
MAX_POLL_AGE = timedelta(minutes=45)
# A reconciliation runs each hour.
MAX_RECONCILIATION_AGE = timedelta(hours=3)


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


_STATUS_BY_REASON = {
    "settings_unusable": HealthStatus.ERROR,
    "poll_failed": HealthStatus.ERROR,
    "poll_late": HealthStatus.ERROR,
    "reconciliation_failed": HealthStatus.ERROR,
    "reconciliation_late": HealthStatus.ERROR,
    "report_held": HealthStatus.REVIEW,
    "divergences_open": HealthStatus.REVIEW,
    "quarantine_open": HealthStatus.REVIEW,
    "webhooks_silent": HealthStatus.WARNING,
    "webhooks_refused": HealthStatus.WARNING,
}


def summarize_health(
    settings: IntegrationSettings,
    document: Mapping[str, Any],
    now: datetime,
    *,
    open_quarantine: int = 0,
    refused_webhooks: int = 0,
) -> RestaurantHealth:
    """Return a restaurant's health.

    Args:
        document: The settings document, with the state of the runs.
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
    found = {
        "settings_unusable": bool(settings.problems),
        "poll_failed": read_count(poll, "consecutiveFailures") > 0,
        "poll_late": _is_late(polled_at or changed_at, MAX_POLL_AGE, now),
        "reconciliation_failed": last_status == "FAILED",
        "reconciliation_late": _is_late(reconciled_at or changed_at, MAX_RECONCILIATION_AGE, now),
        "report_held": last_status == "HELD",
        "divergences_open": bool(divergences),
        "quarantine_open": open_quarantine > 0,
        "webhooks_silent": silence.is_silent,
        "webhooks_refused": refused_webhooks > 0,
    }
    reasons = tuple(reason for reason in _STATUS_BY_REASON if found[reason])
    status = _STATUS_BY_REASON[reasons[0]] if reasons else HealthStatus.OK
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
