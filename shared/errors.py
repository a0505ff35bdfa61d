"""The failures that have a name, sorted by whose they are.

*Ours* (settings), *theirs* (a statement or an answer that cannot be used) and *nobody's*
(a store or a network that is away for a while) lead to three different answers, so they are
three different families here. Every text says what to do next and never quotes a person.
"""


class InvalidSettingsError(Exception):
    """An operator's setting or secret cannot be used; the text says which one to mend."""


class InvalidEventError(Exception):
    """A statement was understood as coming from its sender, but cannot be applied.

    Args:
        reason: A stable code in snake_case, for counting and for the quarantine's document id.
        detail: One sentence for the person who opens the quarantine; names fields, never values.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ServiceUnavailableError(Exception):
    """Firestore could not take a commit in time; the sender must retry."""


class EnqueueError(Exception):
    """A queue took no task; the text says what to do. A repetition does no harm."""


class PlanNotExecutableError(Exception):
    """A held plan cannot be carried out as things are.

    Args:
        code: A stable code: ``REPORT_NOT_FOUND``, ``NOT_HELD``, ``PLAN_ALREADY_EXECUTED`` or
            ``RUN_IN_PROGRESS``.
        detail: What to do instead, in a sentence.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class BackfillInProgressError(Exception):
    """A backfill of other days is under way; one restaurant has one at a time."""


class OpenTableError(Exception):
    """OpenTable's API gave no usable answer."""


class OpenTableUnavailableError(OpenTableError):
    """OpenTable kept failing (429, 5xx, time-outs, unreadable bodies); the next run tries again."""


class OpenTableRequestRejectedError(OpenTableError):
    """OpenTable refused the request itself (4xx); retrying the same will not help.

    Args:
        status: The HTTP status of the refusal.
        detail: What to check next, in words.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"OpenTable answered {status}: {detail}")
        self.status = status


class IncompleteListingError(OpenTableError):
    """The pages could not be shown to cover the whole list; nothing may be concluded from them."""


# What a poll, a backfill or a reconciliation reports as its result rather than as a bug.
EXPECTED_RUN_ERRORS = (InvalidSettingsError, ServiceUnavailableError, OpenTableError)
