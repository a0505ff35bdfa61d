"""``api``: what the staff page may see and do, behind Firebase's sign-in."""

import asyncio

import functions_framework.aio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from functions.api.entrance import authorize_request
from functions.api.replies import (
    ApiError,
    ApiResponse,
    build_unavailable_response,
    to_http_response,
)
from functions.api.table import every_route, find_route
from functions.http import set_request_trace
from shared.context import get_app_context
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, format_error_location, log_event
from shared.staff.auth import ApiContext, get_api_context

OPENAPI_PATH = "/api/openapi.json"
API_TIMEOUT_SECONDS = 25.0


@functions_framework.aio.http
async def api(request: Request) -> Response:
    """Take one call of the staff page.

    Args:
        request: A call beneath ``/api/restaurants/{restaurantId}/``, or for the API's document.

    Returns:
        The answer of the documented table; never a 500.
    """
    try:
        return await handle_api_request(request, get_api_context(get_app_context()))
    except InvalidSettingsError as error:
        log_event(Severity.ERROR, LogEvent.SETTINGS_UNUSABLE, problem=str(error))
    return build_unavailable_response()


async def handle_api_request(request: Request, api_context: ApiContext) -> Response:
    """Answer one call.

    Args:
        request: The call.
        api_context: The process's clients.
    """
    set_request_trace(request, api_context.app_context.environment.project)
    try:
        async with asyncio.timeout(API_TIMEOUT_SECONDS):
            if request.scope["path"] == OPENAPI_PATH and request.method == "GET":
                return _build_openapi_response()
            return to_http_response(await _dispatch(request, api_context))
    except ApiError as api_error:
        return api_error.to_response()
    except (ServiceUnavailableError, TimeoutError, ClientDisconnect) as error:
        log_event(
            Severity.WARNING, LogEvent.STAFF_CALL, outcome="unavailable", error=type(error).__name__
        )
    except InvalidSettingsError as error:
        log_event(Severity.ERROR, LogEvent.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not look like an answer
        log_event(
            Severity.ERROR,
            LogEvent.INTERNAL_ERROR,
            error=type(error).__name__,
            where=format_error_location(error),
        )
    return build_unavailable_response()


async def _dispatch(request: Request, api_context: ApiContext) -> ApiResponse:
    # Not request.url: of a hostile Host header it makes a hostile path.
    route_match = find_route(request.method, request.scope["path"])
    context = await authorize_request(api_context, request, route_match)
    return await route_match.route.handler(context)


def _build_openapi_response() -> Response:
    # Imported when it is asked for: the calls need none of what makes a document of them.
    from functions.api.openapi import openapi  # noqa: PLC0415

    headers = {"X-Content-Type-Options": "nosniff"}
    return JSONResponse(openapi(every_route()), headers=headers)
