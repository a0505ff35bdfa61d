"""Inject scripted failures into API responses; all are off by default."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sandbox.http import ErrorShape, SandboxHttpError, SandboxRequest, SandboxResponse
from sandbox.oauth import RateLimit
from sandbox.store import SandboxStore
from sandbox.sync_api import DEFAULT_PAGE_LIMIT
from sandbox.sync_rows import JsonRow


class FailureKind(StrEnum):
    """The ways to fail a response."""

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
    """A failure of the next responses.

    Args:
        path: Prefix of the affected paths.
        times: Number of affected responses.
        status: For ``status``: the code.
        shape: For ``status``: one of the documented error bodies.
        retry_after: For ``status``: the header's value, None for no header.
        seconds: For ``delay``: the response time.
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
    """Apply scripted failures, a rate limit, and a hook between pages.

    Args:
        on_page: Called with the store after each page of a list, to change rows between pages.
    """

    rate_limit: RateLimit | None = None
    on_page: Callable[[SandboxStore], object] | None = None
    _script: list[ScriptedFailure] = field(default_factory=list)

    def script_failure(self, kind: FailureKind, **details: object) -> None:
        """Script a failure; ``details`` are ``ScriptedFailure``'s other fields."""
        failure = ScriptedFailure(kind, **details)  # type: ignore[arg-type]  # a test's own words
        self._script.extend([failure] * failure.times)

    def take_failure(self, path: str) -> ScriptedFailure | None:
        """Return the next scripted failure for ``path``, and remove it from the script."""
        for index, failure in enumerate(self._script):
            if path.startswith(failure.path):
                return self._script.pop(index)
        return None

    def clear(self) -> None:
        """Switch everything off."""
        self.rate_limit = None
        self.on_page = None
        self._script.clear()


# A client that follows it sends its bearer token to a stranger.
FOREIGN_URL = "https://attacker.example/sync/v2/reservations?offset=0"
UNKNOWN_STATE = "DrinksServed"  # a POS may add courses as states
_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"


def inject_error(failure: ScriptedFailure | None) -> None:
    """Raise the scripted error if the failure is a status."""
    if failure and failure.kind is FailureKind.STATUS:
        raise SandboxHttpError(failure.status, failure.shape, "server_error", "Try again later.")


def inject_request_failure(
    failure: ScriptedFailure | None, request: SandboxRequest
) -> SandboxRequest:
    """Return the request as answered: a repeated page answers the offset before it."""
    if not failure or failure.kind is not FailureKind.REPEATED_PAGE:
        return request
    previous_offset = int(request.query.get("offset", "0")) - int(
        request.query.get("limit", DEFAULT_PAGE_LIMIT)
    )
    return replace(request, query={**request.query, "offset": str(max(0, previous_offset))})


def inject_payload_failure(failure: ScriptedFailure | None, payload: JsonRow) -> JsonRow:
    """Return the payload with the scripted oddity in every row of it."""
    if failure is None:
        return payload
    if failure.kind is FailureKind.FOREIGN_NEXT:
        return payload | {"hasNextPage": True, "nextPageUrl": FOREIGN_URL}
    edit = _ROW_EDITS.get(failure.kind)
    items = payload.get("items")
    if edit is None:
        return payload
    return (
        payload | {"items": [edit(row) for row in items]}
        if isinstance(items, list)
        else edit(payload)
    )


def inject_response_failure(
    failure: ScriptedFailure | None, response: SandboxResponse
) -> SandboxResponse:
    """Return the response as it is sent: late, cut, damaged, redirected, or with Retry-After."""
    if failure is None:
        return response
    retry_headers = {} if failure.retry_after is None else {"Retry-After": failure.retry_after}
    edits: dict[FailureKind, SandboxResponse] = {
        FailureKind.DELAY: replace(response, delay_seconds=failure.seconds),
        FailureKind.CLOSE: replace(response, is_dropped=True),
        # Half of a JSON object: never valid, whatever its size.
        FailureKind.TRUNCATED: replace(response, body=response.body[: len(response.body) // 2]),
        FailureKind.HTML: replace(
            response, body=_HTML, headers={**response.headers, "Content-Type": "text/html"}
        ),
        FailureKind.REDIRECT: replace(
            response, status=302, headers={**response.headers, "Location": FOREIGN_URL}
        ),
        FailureKind.STATUS: replace(response, headers={**response.headers, **retry_headers}),
    }
    return edits.get(failure.kind, response)


_ROW_EDITS: dict[FailureKind, Callable[[JsonRow], JsonRow]] = {
    FailureKind.UNKNOWN_FIELD: lambda row: row | {"field_from_next_year": {"nested": [1]}},
    FailureKind.UNKNOWN_STATE: lambda row: row | {"state": UNKNOWN_STATE},
    FailureKind.NULL_TABLE: lambda row: row | {"table_number": None},
}
