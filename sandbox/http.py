"""Define requests, responses and OpenTable's documented error bodies, without a socket."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

ErrorShape = Literal["spring", "spring_message", "legacy", "family", "empty"]


class SandboxHttpError(Exception):
    """An error response: status, body shape, code, message and additional headers."""

    def __init__(
        self,
        status: int,
        shape: ErrorShape,
        code: str = "invalid_request",
        message: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.shape = shape
        self.code = code
        self.message = message
        self.headers = headers


def build_error_body(error: SandboxHttpError, path: str, now: datetime, request_id: str) -> object:
    """Return the JSON body of an error in its documented shape, None for an empty body.

    Args:
        path: The request's path; the spring shapes repeat it.
        request_id: A UUID; the spring shapes contain its first 8 hex digits.
    """
    # A documented sample has this timestamp; the page's table has an integer and a message.
    spring = {
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "path": path,
        "status": error.status,
        "error": HTTPStatus(error.status).phrase,
        "requestId": request_id[:8],
    }
    stamp = int(now.timestamp() * 1000)
    bodies: dict[ErrorShape, object] = {
        "spring": spring,
        "spring_message": spring | {"timestamp": stamp, "message": error.message},
        # From the older developer guide.
        "legacy": {"error": error.code, "message": error.message},
        # Documented for a credential without access to a family of APIs.
        "family": {"errors": [{"message": error.message}], "requestid": request_id},
        "empty": None,
    }
    return bodies[error.shape]


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One HTTP request; header names are lower-case, query values decoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """One response, sent after ``delay_seconds``; ``is_dropped`` closes the connection instead."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    delay_seconds: float = 0.0
    is_dropped: bool = False


def build_json_response(status: int, payload: object, request_id: str) -> SandboxResponse:
    """Return ``payload`` as JSON (None = empty body) with OpenTable's own request id."""
    body = b"" if payload is None else json.dumps(payload).encode()
    return SandboxResponse(
        status, {"Content-Type": "application/json", "OT-RequestId": request_id}, body
    )


def compress_response(response: SandboxResponse, request: SandboxRequest) -> SandboxResponse:
    """Compress the response if the request accepts gzip, and set its length."""
    headers = {**response.headers, "Vary": "Accept-Encoding"}
    body = response.body
    if body and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return replace(response, body=body, headers={**headers, "Content-Length": str(len(body))})
