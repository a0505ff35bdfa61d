"""How the staff API answers: one shape of error, and headers that keep it to the caller."""

from collections.abc import Mapping

from msgspec import Struct, field
from pydantic import BaseModel
from starlette.responses import Response

from functions.http import RETRY_AFTER_SECONDS
from functions.staff.models import Told

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ErrorDetail(Told):
    """What went wrong."""

    code: str
    message: str


class Error(Told):
    """The one shape of every error."""

    error: ErrorDetail


class RefusalError(Exception):
    """A call cannot be done.

    Args:
        status: The HTTP status.
        code: A stable code for programs.
        message: What to do next, for people.
        headers: Further headers of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.body = Error(error=ErrorDetail(code=code, message=message))
        self.headers = headers or {}

    def response(self) -> Response:
        """Return it as the server sends it."""
        return as_response(Reply(self.body, self.status, self.headers))


class Download(Struct, frozen=True):
    """A file for the caller to keep.

    Attributes:
        text: What is in it.
        media_type: Of which type that is.
        name: What it is called, of letters, digits, ``-``, ``_`` and ``.`` alone.
    """

    text: str
    media_type: str
    name: str


class Reply(Struct, frozen=True):
    """A call's answer.

    Attributes:
        body: What is told: a model as JSON, a file, or None for nothing.
        status: The HTTP status.
        headers: Further headers.
    """

    body: BaseModel | Download | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def as_response(reply: Reply) -> Response:
    """Return a reply as the server sends it."""
    headers = _HEADERS | dict(reply.headers)
    if reply.body is None:
        return Response(None, reply.status, headers)
    if isinstance(reply.body, Download):
        headers["Content-Disposition"] = f'attachment; filename="{reply.body.name}"'
        return Response(reply.body.text, reply.status, headers, reply.body.media_type)
    content = reply.body.model_dump_json(by_alias=True)
    return Response(content, reply.status, headers, "application/json")


def unavailable() -> Response:
    """Return the answer for whatever goes wrong on our side."""
    return RefusalError(
        503,
        "UNAVAILABLE",
        "This cannot be done just now; try again in a few seconds.",
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    ).response()
