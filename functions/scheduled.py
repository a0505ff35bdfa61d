"""What the scheduled functions share: their optional body, and an answer whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Annotated, TypeVar

from msgspec import Meta, Struct, field
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from functions.http import JsonResult, build_status_result, read_request_body, set_request_trace
from shared.context import AppContext, get_app_context
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
from shared.domain.webhook_auth.credentials import InvalidFieldsError, read_struct
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, format_error_location, log_event

_OPENTABLE_CLIENT_MODULE = "shared.opentable.client"
SCHEDULE_TIME_HEADER = "x-cloudscheduler-scheduletime"
UrlSafeId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}\Z")]


class ScheduledRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scheduled function is asked to do; everything is optional.

    Attributes:
        restaurant_id: Lineup's id of the one restaurant that is meant.
        tick: Which tick of the schedule asks, as the scheduler tells it, or else the minute.
    """

    restaurant_id: UrlSafeId | None = field(default=None, name="restaurantId")
    tick: str = ""


ScheduledRequestT = TypeVar("ScheduledRequestT", bound=ScheduledRequest)


async def handle_scheduled_request(
    request: Request,
    request_type: type[ScheduledRequestT],
    run: Callable[[AppContext, ScheduledRequestT], Awaitable[JsonResult]],
) -> Response:
    """Answer a scheduled request.

    Args:
        request: The request; Cloud Run has checked that it comes from the scheduler.
        request_type: The model of its body.
        run: Does the work.

    Returns:
        The work's answer; 400 for a body that cannot be read; 503 where nothing could be done.
    """
    try:
        context = get_app_context()
        set_request_trace(request, context.environment.project)
        scheduled_request = await parse_scheduled_request(request, request_type)
        if isinstance(scheduled_request, JsonResult):
            return scheduled_request.to_response()
        minute = f"{context.clock():%Y-%m-%dT%H:%M}"
        tick = request.headers.get(SCHEDULE_TIME_HEADER, minute)
        async with _preload_opentable_client():
            return (await run(context, replace(scheduled_request, tick=tick))).to_response()
    except ServiceUnavailableError as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, error=str(error))
    except InvalidSettingsError as error:
        log_event(Severity.ERROR, LogEvent.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must make the scheduler try again
        log_event(
            Severity.ERROR,
            LogEvent.INTERNAL_ERROR,
            error=type(error).__name__,
            where=format_error_location(error),
        )
    return build_status_result(503, "unavailable").to_response()


@asynccontextmanager
async def _preload_opentable_client() -> AsyncIterator[None]:
    """Import OpenTable's client while Firestore is waited for: each run begins by asking it."""
    import_task = asyncio.create_task(asyncio.to_thread(import_module, _OPENTABLE_CLIENT_MODULE))
    try:
        yield
    finally:
        await import_task


async def parse_scheduled_request(
    request: Request, request_type: type[ScheduledRequestT]
) -> ScheduledRequestT | JsonResult:
    """Read the optional body, or return the refusal of one that cannot be read."""
    if request.method != "POST":
        return build_status_result(405, "method_not_allowed")
    raw_body = await read_request_body(request)
    if raw_body is None:
        return build_status_result(413, "too_large")
    try:
        return read_struct(request_type, parse_strict_json(raw_body) if raw_body.strip() else {})
    except InvalidJsonError:
        return build_status_result(400, "invalid_json")
    except InvalidFieldsError as error:
        fields = sorted(name or "body" for name in error.problems)
        return build_status_result(400, "invalid_request", fields=fields)
