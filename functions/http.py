"""What every function does with a request before it looks at it: trace, bounds, media type."""

from collections.abc import Mapping

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse

from shared.log import CURRENT_TRACE

MAX_REQUEST_BODY_BYTES = 256 * 1024
RETRY_AFTER_SECONDS = 5
_HEADERS_BY_STATUS = {405: {"Allow": "POST"}, 503: {"Retry-After": str(RETRY_AFTER_SECONDS)}}


class JsonResult(Struct, frozen=True):
    """An HTTP answer.

    Attributes:
        status_code: The HTTP status.
        body: The JSON object.
    """

    status_code: int
    body: Mapping[str, object]

    def to_response(self) -> JSONResponse:
        """Return it as the server sends it, with the headers that its status calls for."""
        return JSONResponse(self.body, self.status_code, _HEADERS_BY_STATUS.get(self.status_code))


def build_status_result(status_code: int, status: str, **fields: object) -> JsonResult:
    """Return an answer with a ``status``; fields that are None are left out."""
    return JsonResult(
        status_code, {"status": status} | {k: v for k, v in fields.items() if v is not None}
    )


def set_request_trace(request: Request, project: str | None) -> None:
    """Have this request's log lines carry its trace."""
    trace = request.headers.get("x-cloud-trace-context", "").partition("/")[0]
    CURRENT_TRACE.set(f"projects/{project}/traces/{trace}" if trace and project else None)


def check_method_and_media_type(request: Request) -> JsonResult | None:
    """Return the refusal of a request by its method and media type, None where both will do."""
    if request.method != "POST":
        return build_status_result(405, "method_not_allowed")
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    subtype = media_type.lower().removeprefix("application/")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if (subtype != "json" and not subtype.endswith("+json")) or encoding != "identity":
        return build_status_result(415, "unsupported_media_type")
    return None


async def read_request_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is larger than `MAX_REQUEST_BODY_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BODY_BYTES:
            return None
    return bytes(body)
