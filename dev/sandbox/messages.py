"""A request and its answer as plain values, so that no socket is needed to ask the sandbox."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One HTTP request; header names are lower-case, query values decoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


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
    """Return the answer compressed, where the request accepts gzip, and with its length."""
    headers = {**response.headers, "Vary": "Accept-Encoding"}
    body = response.body
    if body and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return replace(response, body=body, headers={**headers, "Content-Length": str(len(body))})
