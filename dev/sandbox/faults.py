"""What can go wrong between OpenTable and its caller: scripted, and off unless asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dev.sandbox.book import SandboxStore
from dev.sandbox.errors import ErrorShape
from dev.sandbox.limits import RateLimit


class FailureKind(StrEnum):
    """The ways in which an answer goes wrong."""

    STATUS = "status"
    DELAY = "delay"
    CLOSE = "close"
    REVOKED = "revoked"
    TRUNCATED = "truncated"
    HTML = "html"
    REDIRECT = "redirect"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_STATE = "unknown_state"
    NULL_TABLE = "null_table"
    REPEATED_PAGE = "repeated_page"
    FOREIGN_NEXT = "foreign_next"


@dataclass(frozen=True, slots=True)
class ScriptedFailure:
    """One way for the next answers to go wrong.

    Args:
        kind: What happens.
        path: Answers to paths that start so.
        times: How many answers.
        status: For ``status``: the code.
        shape: For ``status``: which of the documented error bodies.
        retry_after: For ``status``: the header's value, None for no header.
        seconds: For ``delay``: how long the answer takes.
    """

    kind: FailureKind
    path: str = "/sync/"
    times: int = 1
    status: int = 503
    shape: ErrorShape = "spring"
    retry_after: str | None = None
    seconds: float = 60.0


@dataclass(slots=True)
class FaultInjector:
    """The switches: the script of failures, the rate limit, and a hook between pages.

    Args:
        rate_limit: None for no limit.
        on_page: Called with the book after each page of a list, to change it mid-paging.
    """

    rate_limit: RateLimit | None = None
    on_page: Callable[[SandboxStore], object] | None = None
    _script: list[ScriptedFailure] = field(default_factory=list)

    def script_failure(self, kind: FailureKind, **details: object) -> None:
        """Script a failure; ``details`` are ``ScriptedFailure``'s other fields."""
        failure = ScriptedFailure(kind, **details)  # type: ignore[arg-type]  # a test's own words
        self._script.extend([failure] * failure.times)

    def take_failure(self, path: str) -> ScriptedFailure | None:
        """Return the next scripted failure for ``path``, and cross it off."""
        for index, failure in enumerate(self._script):
            if path.startswith(failure.path):
                return self._script.pop(index)
        return None

    def clear(self) -> None:
        """Switch everything off."""
        self.rate_limit = None
        self.on_page = None
        self._script.clear()
