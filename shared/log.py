"""Write log lines as JSON on stdout, where Cloud Logging reads them.

No line contains personal data, a token, a signature or a secret: fields are ids, codes, counts and
times.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from enum import StrEnum

# The fields of Cloud Logging that every line of the current request has.
REQUEST_FIELDS: ContextVar[Mapping[str, object] | None] = ContextVar("request_fields", default=None)

_ERROR_EVENT_TYPE = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)
_MAX_STACK_FRAMES = 50
_MAX_CHAINED_ERRORS = 5


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
    RESTAURANT_NOT_REACHED = "restaurant.not_reached"
    """A run ended before it began with a restaurant; the next run begins with it."""
    TASK_FAILED = "task.failed"
    """A task of the local queue failed; the next run does its work."""
    WEBHOOK_GUEST = "guest"
    """A webhook fetched a guest after its commit."""
    GUESTS_NOT_FETCHED = "guests.not_fetched"
    """Requests of single guests failed; they are repeated with growing pauses."""
    RESERVATIONS_ANONYMIZED = "reservations.anonymized"
    """Reservations past their retention lost their personal data; the next run does the rest."""
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
    STAFF_CHANGED = "staff.changed"
    """A manager added or removed a member of the staff, or changed a role."""
    STAFF_CALL = "staff.call"
    """The staff API could not reach a service; `outcome` says how the request was answered."""
    INTERNAL_ERROR = "internal_error"
    """A bug; the request was answered 503, so that its sender tries again."""


class Severity(StrEnum):
    """The severities of Cloud Logging in use."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def log_event(
    severity: Severity,
    event: LogEvent,
    **fields: str | float | bool | Mapping[str, str] | None,
) -> None:
    """Write a line with the fields that are not None."""
    line: dict[str, object] = {"severity": severity, "message": event, "event": event}
    line |= {name: value for name, value in fields.items() if value is not None}
    line |= REQUEST_FIELDS.get() or {}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def log_unreadable_document(
    restaurant_id: str,
    collection: str,
    error: Exception | None = None,
    *,
    external_id: str | None = None,
    severity: Severity = Severity.WARNING,
) -> None:
    """Log a damaged document; `error` names the damage, without a value of the document."""
    log_event(
        severity,
        LogEvent.DOCUMENT_UNREADABLE,
        restaurantId=restaurant_id,
        collection=collection,
        externalId=external_id,
        error=None if error is None else str(error),
    )


def log_unusable_settings(error: Exception, restaurant_id: str | None = None) -> None:
    """Log settings or a secret to correct; the text of the error names them."""
    log_event(
        Severity.ERROR,
        LogEvent.SETTINGS_UNUSABLE,
        restaurantId=restaurant_id,
        problem=str(error),
    )


def log_internal_error(error: BaseException, restaurant_id: str | None = None) -> None:
    """Log a bug with its stack trace, for Error Reporting.

    The trace has the types of errors and lines of code: the text of an error may quote a person.
    """
    frames = traceback.extract_tb(error.__traceback__)
    log_event(
        Severity.ERROR,
        LogEvent.INTERNAL_ERROR,
        restaurantId=restaurant_id,
        error=type(error).__name__,
        where=f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "",
        stack_trace=_format_stack_trace(error),
        # Cloud Run sets both variables. Error Reporting groups errors by them.
        serviceContext={
            "service": os.environ.get("K_SERVICE", "local"),
            "version": os.environ.get("K_REVISION", "local"),
        },
        **{"@type": _ERROR_EVENT_TYPE},
    )


def _format_stack_trace(error: BaseException) -> str:
    """Return an error and its causes as Python prints them, without messages and source lines."""
    parts: list[str] = []
    for current, relation in _iter_causes(error):
        lines = ["Traceback (most recent call last):"]
        # The newest frames: a recursion has hundreds of equal ones before them.
        lines += [
            f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
            for frame in traceback.extract_tb(current.__traceback__)[-_MAX_STACK_FRAMES:]
        ]
        kind = type(current)
        is_builtin = kind.__module__ == "builtins"
        lines.append(kind.__qualname__ if is_builtin else f"{kind.__module__}.{kind.__qualname__}")
        parts = ["\n".join(lines), *([relation] if relation else []), *parts]
    return "\n\n".join(parts) + "\n"


def _iter_causes(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Yield an error, then its causes; each with the sentence between it and the error before."""
    current, relation, seen = error, "", set[int]()
    while id(current) not in seen and len(seen) < _MAX_CHAINED_ERRORS:
        seen.add(id(current))
        yield current, relation
        if current.__cause__ is not None:
            relation = "The above exception was the direct cause of the following exception:"
            current = current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            relation = "During handling of the above exception, another exception occurred:"
            current = current.__context__
