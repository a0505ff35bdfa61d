"""Every line that the bundle logs, by name, as the JSON that Cloud Logging reads from stdout.

No line ever holds a person's data, a token, a signature or a secret: fields are ids, codes,
counts and times.
"""

import json
import sys
from contextvars import ContextVar
from enum import StrEnum

CURRENT_TRACE: ContextVar[str | None] = ContextVar("trace", default=None)


class LogEvent(StrEnum):
    """The name of a log line, and what it means."""

    WEBHOOK = "webhook"
    """One webhook was answered."""
    WEBHOOK_UNAUTHENTICATED = "webhook.unauthenticated"
    """A webhook did not prove its origin; ``reason`` says why."""
    RID_CLAIM_MISMATCH = "rid_claim.mismatch"
    """openTableRids and a restaurant's settings name each other differently; mend one."""
    SETTINGS_UNUSABLE = "settings.unusable"
    """A restaurant's settings or secret must be mended; ``problem`` says how."""
    SETTINGS_WARNING = "settings.warning"
    """A restaurant's settings keep its webhooks out; ``problem`` says how to mend them."""
    WEBHOOKS_SILENT = "webhooks.silent"
    """A restaurant's webhooks fell silent while its book changed; logged once a silence."""
    WEBHOOKS_RECOVERED = "webhooks.recovered"
    """Webhooks that had fallen silent were heard again."""
    STATE_UNKNOWN = "state.unknown"
    """A state that the mapping does not know; the status was left as it was."""
    WEBHOOK_REFETCH = "webhook.refetch"
    """A relay's envelope made the webhook fetch OpenTable's own row."""
    RUN_FAILED = "run.failed"
    """A scheduled run could not begin; the scheduler tries again."""
    RUN_QUEUED = "run.queued"
    """A scheduled run had too many restaurants for one invocation and enqueued them."""
    TASK_FAILED = "task.failed"
    """A call of the queue on one's own machine failed; the next run does it again."""
    WEBHOOK_GUEST = "guest"
    """A webhook fetched a guest's details after its commit."""
    GUEST_ERASED = "guest.erased"
    """A forgotten guest was erased; ``places`` counts where."""
    POLL = "poll"
    """One restaurant's poll ended."""
    BACKFILL_STARTED = "backfill.started"
    """Somebody of the staff started a restaurant's backfill."""
    BACKFILL = "backfill"
    """A run carried a restaurant's backfill on; the next one goes on where it stopped."""
    RECONCILIATION = "reconciliation"
    """One restaurant's reconciliation ended and its report is stored."""
    RECONCILIATION_DIVERGENCE = "reconciliation.divergence"
    """Reconciliation found something new that it may not correct by itself."""
    RECONCILIATION_FORCED = "reconciliation.forced"
    """Somebody of the staff had the plan of a held report carried out."""
    ANALYTICS_DELAYED = "analytics.delayed"
    """A reconciliation could not store its days' patterns; the next one does."""
    QUARANTINE = "quarantine"
    """What waits in a restaurant's quarantine, told by each reconciliation."""
    INTEGRATION_CHANGED = "integration.changed"
    """Somebody of the staff changed an integration's settings or credentials."""
    STAFF_CALL = "staff.call"
    """A call of the staff API could not be done just now; it was answered 503."""
    INTERNAL_ERROR = "internal_error"
    """A fault of ours; the request was answered 503 so that its sender tries again."""


class Severity(StrEnum):
    """Cloud Logging's severities in use."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def log_event(severity: Severity, event: LogEvent, **fields: str | float | bool | None) -> None:
    """Write one line.

    Args:
        severity: How much it matters.
        event: Its name.
        fields: Its other fields; those that are None are left out.
    """
    line: dict[str, object] = {"severity": severity, "message": event, "event": event}
    line |= {name: value for name, value in fields.items() if value is not None}
    trace = CURRENT_TRACE.get()
    if trace:
        line["logging.googleapis.com/trace"] = trace
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def log_internal_error(error: BaseException, restaurant_id: str | None = None) -> None:
    """Log a bug by its type and its line of code."""
    log_event(
        Severity.ERROR,
        LogEvent.INTERNAL_ERROR,
        restaurantId=restaurant_id,
        error=type(error).__name__,
        where=format_error_location(error),
    )


def format_error_location(error: BaseException) -> str:
    """Return the line of code that failed: the text of an error may quote a person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
