"""Carries out scripted failures: instead of an answer, on its payload, or on its bytes."""

from collections.abc import Callable
from dataclasses import replace

from dev.sandbox.errors import Refused
from dev.sandbox.faults import Failure, Kind
from dev.sandbox.messages import Request, Response
from dev.sandbox.query import DEFAULT_LIMIT
from dev.sandbox.rows import Row

FOREIGN_URL = "https://attacker.example/sync/v2/reservations?offset=0"
UNKNOWN_STATE = "DrinksServed"
_HTML = b"<html><body><h1>Service Unavailable</h1></body></html>"


def refuse(failure: Failure | None) -> None:
    """Raise the scripted error, where the failure is a status."""
    if failure and failure.kind is Kind.STATUS:
        raise Refused(failure.status, failure.shape, "server_error", "Try again later.")


def spoil_request(failure: Failure | None, request: Request) -> Request:
    """Return the request as answered: a repeated page answers the offset before it."""
    if not failure or failure.kind is not Kind.REPEATED_PAGE:
        return request
    back = int(request.query.get("offset", "0")) - int(request.query.get("limit", DEFAULT_LIMIT))
    return replace(request, query={**request.query, "offset": str(max(0, back))})


def spoil_payload(failure: Failure | None, payload: Row) -> Row:
    """Return the payload with the scripted oddity in every row of it."""
    if failure is None:
        return payload
    if failure.kind is Kind.FOREIGN_NEXT:
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


def spoil_response(failure: Failure | None, response: Response) -> Response:
    """Return the answer as it travels: late, cut, spoilt, redirected, or with Retry-After."""
    if failure is None:
        return response
    after = {} if failure.retry_after is None else {"Retry-After": failure.retry_after}
    edits: dict[Kind, Response] = {
        Kind.DELAY: replace(response, delay=failure.seconds),
        Kind.CLOSE: replace(response, cut=True),
        Kind.TRUNCATED: replace(response, body=response.body[: len(response.body) // 2]),
        Kind.HTML: replace(
            response, body=_HTML, headers={**response.headers, "Content-Type": "text/html"}
        ),
        Kind.REDIRECT: replace(
            response, status=302, headers={**response.headers, "Location": FOREIGN_URL}
        ),
        Kind.STATUS: replace(response, headers={**response.headers, **after}),
    }
    return edits.get(failure.kind, response)


_ROW_EDITS: dict[Kind, Callable[[Row], Row]] = {
    Kind.UNKNOWN_FIELD: lambda row: row | {"field_from_next_year": {"nested": [1]}},
    Kind.UNKNOWN_STATE: lambda row: row | {"state": UNKNOWN_STATE},
    Kind.NULL_TABLE: lambda row: row | {"table_number": None},
}
