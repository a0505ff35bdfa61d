"""How the staff API answers: one shape of error, and headers that keep it to the caller."""

from collections.abc import Mapping

from msgspec import Struct, field
from pydantic import BaseModel
from starlette.responses import Response

from functions.api.models import ResponseModel
from functions.http import RETRY_AFTER_SECONDS

_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ErrorDetail(ResponseModel):
    """What went wrong."""

    code: str
    message: str


class ErrorResponse(ResponseModel):
    """The one shape of every error."""

    error: ErrorDetail


class ApiError(Exception):
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
        self.body = ErrorResponse(error=ErrorDetail(code=code, message=message))
        self.headers = headers or {}

    def to_response(self) -> Response:
        """Return it as the server sends it."""
        return to_http_response(ApiResponse(self.body, self.status, self.headers))


class FileDownload(Struct, frozen=True):
    """A file for the caller to keep.

    Attributes:
        text: What is in it.
        media_type: Of which type that is.
        name: What it is called, of letters, digits, ``-``, ``_`` and ``.`` alone.
    """

    text: str
    media_type: str
    name: str


class ApiResponse(Struct, frozen=True):
    """A call's answer.

    Attributes:
        body: What is told: a model as JSON, a file, or None for nothing.
        status: The HTTP status.
        headers: Further headers.
    """

    body: BaseModel | FileDownload | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def to_http_response(api_response: ApiResponse) -> Response:
    """Return a reply as the server sends it."""
    headers = _SECURITY_HEADERS | dict(api_response.headers)
    if api_response.body is None:
        return Response(None, api_response.status, headers)
    if isinstance(api_response.body, FileDownload):
        headers["Content-Disposition"] = f'attachment; filename="{api_response.body.name}"'
        return Response(
            api_response.body.text, api_response.status, headers, api_response.body.media_type
        )
    content = api_response.body.model_dump_json(by_alias=True)
    return Response(content, api_response.status, headers, "application/json")


def build_unavailable_response() -> Response:
    """Return the answer for whatever goes wrong on our side."""
    return ApiError(
        503,
        "UNAVAILABLE",
        "This cannot be done just now; try again in a few seconds.",
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    ).to_response()
