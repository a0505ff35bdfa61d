"""Turn requests into results for the deployed functions, and their errors into responses.

A handler receives the request and the process's context and returns a `JsonResult`. An error on our
side becomes a 503, so that the sender tries again; no function answers 500.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Annotated, TypeVar

from msgspec import Meta, Struct, field
from msgspec.structs import fields, replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shared.config import MAX_RESTAURANTS_PER_TASK
from shared.context import AppContext, get_app_context
from shared.domain.http_messages import (
    InvalidJsonError,
    list_content_codings,
    parse_request_trace,
    parse_strict_json,
)
from shared.domain.validation import InvalidFieldsError, read_struct
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import (
    REQUEST_FIELDS,
    LogEvent,
    Severity,
    log_event,
    log_internal_error,
    log_unusable_settings,
)

MAX_REQUEST_BODY_BYTES = 256 * 1024
RETRY_AFTER_SECONDS = 5
# Answered with 503: the same request may succeed later.
UNAVAILABLE_ERRORS = (ServiceUnavailableError, TimeoutError, ClientDisconnect)
# RFC 9110, section 15.5.16: what the sender of a 415 may send instead.
UNSUPPORTED_MEDIA_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_HEADERS_BY_STATUS = {
    405: {"Allow": "POST"},
    415: UNSUPPORTED_MEDIA_HEADERS,
    503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}
_SCHEDULE_TIME_HEADER = "x-cloudscheduler-scheduletime"
_MAX_NAME_LENGTH = 100
_OPENTABLE_CLIENT_MODULE = "shared.opentable.client"


class JsonResult(Struct, frozen=True):
    """An HTTP status and the JSON object of the response."""

    status_code: int
    body: Mapping[str, object]

    def to_response(self) -> JSONResponse:
        """Return the response, with the headers that belong to its status."""
        return JSONResponse(self.body, self.status_code, _HEADERS_BY_STATUS.get(self.status_code))


def build_status_result(status_code: int, status: str, **fields: object) -> JsonResult:
    """Return a result with a `status` and the fields that are not None."""
    present = {name: value for name, value in fields.items() if value is not None}
    return JsonResult(status_code, {"status": status, **present})


class RequestRejectedError(Exception):
    """The request itself is at fault; `result` is the response."""

    def __init__(self, status_code: int, status: str, **fields: object) -> None:
        super().__init__(status)
        self.result = build_status_result(status_code, status, **fields)


Handler = Callable[[Request, AppContext], Awaitable[JsonResult]]


def json_function(
    log_unavailable: Callable[[Exception], None],
) -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
    """Turn a handler into a function of a request that always returns a response.

    `log_unavailable` logs the function's own line for a failure that a retry may cure.
    """

    def decorate(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @functools.wraps(handler)
        async def respond(request: Request) -> Response:
            try:
                context = get_app_context()
                set_request_trace(request, context.environment.project)
                result = await handler(request, context)
            # The sender's fault: a retry of the same request cannot succeed.
            except RequestRejectedError as error:
                result = error.result
            except InvalidJsonError:
                result = build_status_result(400, "invalid_json")
            except Exception as error:  # noqa: BLE001 -- any bug must make the sender try again
                log_request_failure(error, log_unavailable)
                result = build_status_result(503, "unavailable")
            return result.to_response()

        return respond

    return decorate


def set_request_trace(request: Request, project: str | None) -> None:
    """Make the log lines of this request carry its trace."""
    headers = request.headers
    trace = parse_request_trace(
        headers.get("traceparent", ""), headers.get("x-cloud-trace-context", "")
    )
    fields: dict[str, object] = {}
    if trace is not None and project:
        fields["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace.trace_id}"
        fields["logging.googleapis.com/trace_sampled"] = trace.is_sampled
        if trace.span_id:
            fields["logging.googleapis.com/spanId"] = trace.span_id
    REQUEST_FIELDS.set(fields)


def log_request_failure(error: Exception, log_unavailable: Callable[[Exception], None]) -> None:
    """Log why a request was answered 503."""
    if isinstance(error, UNAVAILABLE_ERRORS):
        log_unavailable(error)
    elif isinstance(error, InvalidSettingsError):
        log_unusable_settings(error)
    else:
        log_internal_error(error)


def require_json_post(request: Request) -> None:
    """Check the method and the headers of a request.

    Raises:
        RequestRejectedError: 405, or 415 for another media type or a compressed body.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    subtype = media_type.lower().removeprefix("application/")
    is_json = subtype == "json" or subtype.endswith("+json")
    if request.method == "POST" and not is_json:
        raise RequestRejectedError(415, "unsupported_media_type")
    _require_plain_post(request)


def _require_plain_post(request: Request) -> None:
    if request.method != "POST":
        raise RequestRejectedError(405, "method_not_allowed")
    if has_content_coding(request):
        raise RequestRejectedError(415, "unsupported_media_type")


async def _read_bounded_body(request: Request) -> bytes:
    raw_body = await read_request_body(request)
    if raw_body is None:
        raise RequestRejectedError(413, "too_large")
    return raw_body


class BodyReader:
    """Reads the bodies of requests from anybody, so that slow senders cannot occupy an instance."""

    def __init__(self, max_pending: int, timeout_seconds: float) -> None:
        """Read at most `max_pending` bodies at a time, each for at most `timeout_seconds`."""
        self._max_pending = max_pending
        self._timeout_seconds = timeout_seconds
        # In order of their beginning.
        self._pending: dict[asyncio.Timeout, None] = {}

    async def read(self, request: Request) -> bytes:
        """Return a request's body.

        Raises:
            TimeoutError: It took too long, or as the oldest one it had to make room for another.
            RequestRejectedError: 413, as soon as it exceeds `MAX_REQUEST_BODY_BYTES`.
        """
        async with asyncio.timeout(self._timeout_seconds) as timeout:
            self._pending[timeout] = None
            if len(self._pending) > self._max_pending:
                oldest = next(iter(self._pending))
                del self._pending[oldest]
                oldest.reschedule(asyncio.get_running_loop().time())
            try:
                return await _read_bounded_body(request)
            finally:
                self._pending.pop(timeout, None)


def has_content_coding(request: Request) -> bool:
    """Return whether the body is compressed, which no sender of these small bodies needs."""
    return bool(list_content_codings(request.headers.getlist("content-encoding")))


async def read_request_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it exceeds `MAX_REQUEST_BODY_BYTES`."""
    announced_length = request.headers.get("content-length", "")
    if announced_length.isdecimal() and int(announced_length) > MAX_REQUEST_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        # Stop while reading: the announced length may be missing.
        if len(body) > MAX_REQUEST_BODY_BYTES:
            return None
    return bytes(body)


UrlSafeId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}\Z")]


class ScheduledRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a scheduled request, in which everything is optional.

    Attributes:
        restaurant_id: Run for this restaurant only.
        restaurant_ids: Run for these restaurants only: a task of the queue.
        tick: The run of the schedule: the scheduler's time, else the current minute. It makes the
            tasks of a repeated request recognizable. It is not part of the body.
    """

    restaurant_id: UrlSafeId | None = field(default=None, name="restaurantId")
    # An empty list would run every restaurant.
    restaurant_ids: Annotated[
        tuple[UrlSafeId, ...], Meta(min_length=1, max_length=MAX_RESTAURANTS_PER_TASK)
    ] = field(default=(), name="restaurantIds")
    tick: str = ""

    def __post_init__(self) -> None:
        """Reject two ways to name restaurants."""
        if self.restaurant_id and self.restaurant_ids:
            raise InvalidFieldsError(
                {"restaurantIds": "restaurantId and restaurantIds exclude each other"}
            )

    @property
    def requested_ids(self) -> tuple[str, ...]:
        """The restaurants of the request, each once; none for a run of all."""
        if self.restaurant_id:
            return (self.restaurant_id,)
        return tuple(dict.fromkeys(self.restaurant_ids))


ScheduledRequestT = TypeVar("ScheduledRequestT", bound=ScheduledRequest)


async def read_scheduled_request(
    request: Request, context: AppContext, request_type: type[ScheduledRequestT]
) -> ScheduledRequestT:
    """Return the request of the scheduler or the queue. Cloud Run has authenticated the sender.

    Raises:
        RequestRejectedError: 405, 413, 415, or 400 for a body that is no JSON object, for query
            parameters, and for unknown or invalid fields; the response names them.
    """
    _require_plain_post(request)
    raw_body = await _read_bounded_body(request)
    try:
        body = parse_strict_json(raw_body) if raw_body.strip() else {}
    except InvalidJsonError as error:
        names = [_clean_name(error.repeated_key or "body")]
        raise RequestRejectedError(400, "invalid_json", fields=names) from None
    # Without this check, a misspelled `dryRun` would run for real.
    known_names = {item.encode_name for item in fields(request_type)} - {"tick"}
    # All fields are in the body: the same holds for `?dryRun=true`.
    unknown_names = {*body.keys() - known_names, *request.query_params}
    invalid_names = {_clean_name(name) for name in unknown_names}
    scheduled = request_type()
    try:
        scheduled = read_struct(request_type, body)
    except InvalidFieldsError as error:
        invalid_names |= error.problems.keys()
    if invalid_names:
        raise RequestRejectedError(400, "invalid_request", fields=sorted(invalid_names))
    # Two requests in one minute without a schedule time enqueue each task once.
    minute = f"{context.clock():%Y-%m-%dT%H:%M}"
    return replace(scheduled, tick=request.headers.get(_SCHEDULE_TIME_HEADER, minute))


def _clean_name(name: str) -> str:
    # Replaced: a lone surrogate, which JSON may escape, cannot be encoded in the response.
    return name[:_MAX_NAME_LENGTH].encode(errors="replace").decode()


@asynccontextmanager
async def preload_opentable_client() -> AsyncIterator[None]:
    """Import OpenTable's client in a thread: the run first waits for Firestore anyway."""
    import_task = asyncio.create_task(asyncio.to_thread(import_module, _OPENTABLE_CLIENT_MODULE))
    try:
        yield
    finally:
        await import_task


def log_failed_run(error: Exception) -> None:
    """Log that a scheduled run could not begin."""
    log_event(Severity.ERROR, LogEvent.RUN_FAILED, error=str(error) or type(error).__name__)
