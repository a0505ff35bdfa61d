"""Carries out scripted failures: instead of an answer, on its payload, or on its bytes."""

from collections.abc import Callable
from dataclasses import replace

from dev.sandbox.errors import SandboxHttpError
from dev.sandbox.faults import FailureKind, ScriptedFailure
from dev.sandbox.messages import SandboxRequest, SandboxResponse
from dev.sandbox.query import DEFAULT_PAGE_LIMIT
from dev.sandbox.rows import JsonRow

FOREIGN_URL = "https://attacker.example/sync/v2/reservations?offset=0"
UNKNOWN_STATE = "DrinksServed"
_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"


def inject_error(failure: ScriptedFailure | None) -> None:
    """Raise the scripted error, where the failure is a status."""
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
    """Return the answer as it travels: late, cut, spoilt, redirected, or with Retry-After."""
    if failure is None:
        return response
    retry_headers = {} if failure.retry_after is None else {"Retry-After": failure.retry_after}
    edits: dict[FailureKind, SandboxResponse] = {
        FailureKind.DELAY: replace(response, delay_seconds=failure.seconds),
        FailureKind.CLOSE: replace(response, is_dropped=True),
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
