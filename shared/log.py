"""Write log lines as JSON on stdout, where Cloud Logging reads them.

No line contains personal data, a token, a signature or a secret: fields are ids, codes, counts and
times.
"""

import json
import sys
from contextvars import ContextVar
from enum import StrEnum

CURRENT_TRACE: ContextVar[str | None] = ContextVar("trace", default=None)


class LogEvent(StrEnum):
    """The name of a log line (docs/logs.md)."""

    WEBHOOK = "webhook"
    """A webhook was answered."""
    WEBHOOK_UNAUTHENTICATED = "webhook.unauthenticated"
    """A webhook was not authenticated; `reason` is the cause."""
    RID_CLAIM_MISMATCH = "rid_claim.mismatch"
    """A rid's claim and a restaurant's settings disagree. Correct one of them."""
    SETTINGS_UNUSABLE = "settings.unusable"
    """A restaurant's settings or secret cannot be used. Do what `problem` says."""
    SETTINGS_WARNING = "settings.warning"
    """A restaurant's settings reject its webhooks. Do what `problem` says."""
    WEBHOOKS_SILENT = "webhooks.silent"
    """A restaurant's reservations changed without webhooks; logged once until they return."""
    WEBHOOKS_RECOVERED = "webhooks.recovered"
    """Webhooks arrive again after a silence."""
    STATE_UNKNOWN = "state.unknown"
    """An event had an unknown state; the status stays as it was."""
    WEBHOOK_REFETCH = "webhook.refetch"
    """A webhook of a relay fetched OpenTable's row."""
    RUN_FAILED = "run.failed"
    """A scheduled run could not begin or store its result; the scheduler tries again."""
    RUN_QUEUED = "run.queued"
    """A scheduled run enqueued its restaurants: too many for one invocation."""
    TURN_MISSED = "turn.missed"
    """A run ended before a restaurant's turn; the next run begins with it."""
    TASK_FAILED = "task.failed"
    """A task of the local queue failed; the next run does its work."""
    WEBHOOK_GUEST = "guest"
    """A webhook fetched a guest after its commit."""
    GUESTS_NOT_FETCHED = "guests.not_fetched"
    """Requests of single guests failed; they are repeated with growing pauses."""
    GUEST_ERASED = "guest.erased"
    """A forgotten guest was erased from `places` documents."""
    POLL = "poll"
    """A restaurant's poll ended."""
    BACKFILL_STARTED = "backfill.started"
    """A staff member started a backfill."""
    BACKFILL = "backfill"
    """A run continued a backfill; the next one resumes it."""
    RECONCILIATION = "reconciliation"
    """A restaurant's reconciliation ended and its report is stored."""
    RECONCILIATION_DIVERGENCE = "reconciliation.divergence"
    """A reconciliation found a new difference that it may not correct."""
    RECONCILIATION_FORCED = "reconciliation.forced"
    """A staff member executed the plan of a held report."""
    ANALYTICS_DELAYED = "analytics.delayed"
    """A reconciliation could not store its analytics; the next one does."""
    DOCUMENT_UNREADABLE = "document.unreadable"
    """A stored document is damaged. It is left as it is; correct or delete it."""
    QUARANTINE = "quarantine"
    """The open items of a restaurant's quarantine, after each reconciliation."""
    INTEGRATION_CHANGED = "integration.changed"
    """A staff member changed an integration's settings or credentials."""
    STAFF_CALL = "staff.call"
    """A request of the staff API was answered 503 and may be retried."""
    INTERNAL_ERROR = "internal_error"
    """A bug; the request was answered 503, so that its sender tries again."""


class Severity(StrEnum):
    """The severities of Cloud Logging in use."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def log_event(severity: Severity, event: LogEvent, **fields: str | float | bool | None) -> None:
    """Write a line with the fields that are not None."""
    line: dict[str, object] = {"severity": severity, "message": event, "event": event}
    line |= {name: value for name, value in fields.items() if value is not None}
    trace = CURRENT_TRACE.get()
    if trace:
        line["logging.googleapis.com/trace"] = trace
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def log_internal_error(error: BaseException, restaurant_id: str | None = None) -> None:
    """Log a bug by its type and its line of code: the text of an error may quote a person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    location = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    log_event(
        Severity.ERROR,
        LogEvent.INTERNAL_ERROR,
        restaurantId=restaurant_id,
        error=type(error).__name__,
        where=location,
    )
