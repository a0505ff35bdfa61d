"""Define the errors that callers handle, grouped by the party that must act.

Settings are the operator's to correct, events and OpenTable's responses are their sender's, and an
unavailable service recovers by itself. Each text names the next step and contains no personal data.
"""


class InvalidSettingsError(Exception):
    """A setting or secret cannot be used; the text names the one to correct."""


class IntegrationDisabledError(InvalidSettingsError):
    """The restaurant's integration is disabled: no run reads or changes anything."""

    def __init__(self) -> None:
        super().__init__("The integration is disabled. Enable it first.")


class InvalidEventError(Exception):
    """An event of an authenticated sender cannot be applied.

    Args:
        reason: A stable code in snake case, for counters and the quarantine's document id.
        detail: One sentence for the reader of the quarantine; it names fields, never values.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class UnreadableDocumentError(ValueError):
    """A stored document is damaged, for example by an edit by hand; it is left as it is.

    Args:
        problem: What cannot be read, without any value of the document.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"The stored document cannot be read: {problem}. Correct or delete it.")


class ServiceUnavailableError(Exception):
    """Firestore or another service did not respond in time; the sender must retry."""


class EnqueueError(Exception):
    """The task queue did not accept a task; it is safe to repeat the call."""


class RunInProgressError(Exception):
    """Another run of the same kind works on the restaurant, or has just done so."""


class PlanNotExecutableError(Exception):
    """The plan of a report with the status ``HELD`` cannot be executed now.

    Args:
        code: ``REPORT_NOT_FOUND``, ``NOT_HELD``, ``PLAN_ALREADY_EXECUTED`` or ``RUN_IN_PROGRESS``.
        detail: One sentence with the next step.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class BackfillInProgressError(Exception):
    """A backfill of other days is running; a restaurant has at most one at a time."""


class OpenTableError(Exception):
    """OpenTable's API gave no usable response."""


class OpenTableUnavailableError(OpenTableError):
    """OpenTable failed on every retry (429, 5xx, timeout, unreadable body); try again later."""


class OpenTableRequestRejectedError(OpenTableError):
    """OpenTable rejected the request (4xx); the same request will fail again.

    Args:
        detail: The next thing to check.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"OpenTable answered {status}: {detail}")
        self.status = status
        self.detail = detail


class OpenTableItemRejectedError(OpenTableRequestRejectedError):
    """OpenTable rejected the request for one reservation or guest; other requests may succeed."""


class OpenTableItemNotRequestedError(OpenTableUnavailableError):
    """A run had no time left to request a reservation or guest."""


class IncompleteListingError(OpenTableError):
    """The pages may not cover the complete list, so nothing can be concluded from them."""


# A poll, a backfill or a reconciliation reports these as its result, not as a bug.
EXPECTED_RUN_ERRORS = (InvalidSettingsError, ServiceUnavailableError, OpenTableError)
# A repeated run fails in the same way until a person acts.
PERMANENT_RUN_ERRORS = (InvalidSettingsError, OpenTableRequestRejectedError)


class InvalidCursorError(ValueError):
    """The cursor does not come from a previous page."""
