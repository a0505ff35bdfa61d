"""What every function does with a request before it looks at it: trace, bounds, media type."""

from collections.abc import Mapping

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse

from shared.edge.telemetry import TRACE

MOST_BODY_BYTES = 256 * 1024
RETRY_AFTER_SECONDS = 5
_HEADERS = {405: {"Allow": "POST"}, 503: {"Retry-After": str(RETRY_AFTER_SECONDS)}}


class Answer(Struct, frozen=True):
    """An HTTP answer.

    Attributes:
        code: The HTTP status.
        body: The JSON object.
    """

    code: int
    body: Mapping[str, object]

    def response(self) -> JSONResponse:
        """Return it as the server sends it, with the headers that its status calls for."""
        return JSONResponse(self.body, self.code, _HEADERS.get(self.code))


def answer(code: int, status: str, **fields: object) -> Answer:
    """Return an answer with a ``status``; fields that are None are left out."""
    return Answer(code, {"status": status} | {k: v for k, v in fields.items() if v is not None})


def begin_trace(request: Request, project: str | None) -> None:
    """Have this request's log lines carry its trace."""
    trace = request.headers.get("x-cloud-trace-context", "").partition("/")[0]
    TRACE.set(f"projects/{project}/traces/{trace}" if trace and project else None)


def refused(request: Request) -> Answer | None:
    """Return the refusal of a request by its method and media type, None where both will do."""
    if request.method != "POST":
        return answer(405, "method_not_allowed")
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    subtype = media_type.lower().removeprefix("application/")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if (subtype != "json" and not subtype.endswith("+json")) or encoding != "identity":
        return answer(415, "unsupported_media_type")
    return None


async def read_bounded(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is larger than `MOST_BODY_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            return None
    return bytes(body)
