"""Summarize a restaurant's health from its settings document alone, for a list of many."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from shared.domain.polling import read_count, read_run_state, webhook_silence_from_document
from shared.domain.settings import IntegrationSettings

# A poll runs at most 30 minutes after the one before.
MAX_POLL_AGE = timedelta(minutes=45)
# A reconciliation runs each hour.
MAX_RECONCILIATION_AGE = timedelta(hours=3)


class HealthStatus(StrEnum):
    """How much a restaurant needs a person."""

    ERROR = "ERROR"
    """Its reservations may be outdated."""
    REVIEW = "REVIEW"
    """A held report needs a decision."""
    WARNING = "WARNING"
    """Webhooks do not arrive; changes arrive by poll."""
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
        divergences: Divergences in the newest complete report, None before the first one.
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
    "webhooks_silent": HealthStatus.WARNING,
}


def summarize_health(
    settings: IntegrationSettings, document: Mapping[str, Any], now: datetime
) -> RestaurantHealth:
    """Return a restaurant's health; `document` has the settings and the state of the runs."""
    poll = read_run_state(document, "poll")
    reconciliation = read_run_state(document, "reconciliation")
    polled_at = _read_time(document, "lastPolledAt")
    reconciled_at = _read_time(reconciliation, "lastReconciledAt")
    silence = webhook_silence_from_document(document)
    last_status = reconciliation.get("lastStatus")
    # A new restaurant is not late before its first runs.
    changed_at = _read_time(document, "updatedAt")
    found = {
        "settings_unusable": bool(settings.problems),
        "poll_failed": read_count(poll, "consecutiveFailures") > 0,
        "poll_late": _is_late(polled_at or changed_at, MAX_POLL_AGE, now),
        "reconciliation_failed": last_status == "FAILED",
        "reconciliation_late": _is_late(reconciled_at or changed_at, MAX_RECONCILIATION_AGE, now),
        "report_held": last_status == "HELD",
        "webhooks_silent": silence.is_silent,
    }
    reasons = tuple(reason for reason in _STATUS_BY_REASON if found[reason])
    status = _STATUS_BY_REASON[reasons[0]] if reasons else HealthStatus.OK
    if not settings.is_enabled:
        # Runs skip a disabled restaurant, so nothing else is known about it.
        status, reasons = HealthStatus.PAUSED, ()
    divergences = reconciliation.get("openDivergences")
    return RestaurantHealth(
        status=status,
        reasons=reasons,
        last_polled_at=polled_at,
        last_reconciled_at=reconciled_at,
        webhooks_silent_since=silence.missed_since if silence.is_silent else None,
        # A decision of the staff may be about a reservation that no recent report lists.
        divergences=max(0, divergences) if isinstance(divergences, int) else None,
    )


def _read_time(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    return value if isinstance(value, datetime) else None


def _is_late(at: datetime | None, limit: timedelta, now: datetime) -> bool:
    return at is not None and now - at > limit
