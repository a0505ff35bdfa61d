"""``api``: what the staff page may see and do, behind Firebase's sign-in."""

import asyncio

import functions_framework.aio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from functions.http import begin_trace
from functions.staff.entrance import let_in
from functions.staff.replies import RefusalError, Reply, as_response, unavailable
from functions.staff.table import every_route, find_route
from shared.edge.services import services
from shared.edge.staff.staffroom import Staffroom, staffroom
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError

OPENAPI_PATH = "/api/openapi.json"
CALL_SECONDS = 25.0


@functions_framework.aio.http
async def api(request: Request) -> Response:
    """Take one call of the staff page.

    Args:
        request: A call beneath ``/api/restaurants/{restaurantId}/``, or for the API's document.

    Returns:
        The answer of the documented table; never a 500.
    """
    try:
        return await answer(request, staffroom(services()))
    except InvalidSettingsError as error:
        log(Severity.ERROR, Event.SETTINGS_UNUSABLE, problem=str(error))
    return unavailable()


async def answer(request: Request, room: Staffroom) -> Response:
    """Answer one call.

    Args:
        request: The call.
        room: The process's clients.
    """
    begin_trace(request, room.services.environment.project)
    try:
        async with asyncio.timeout(CALL_SECONDS):
            if request.scope["path"] == OPENAPI_PATH and request.method == "GET":
                return _document()
            return as_response(await _called(request, room))
    except RefusalError as refusal:
        return refusal.response()
    except (LedgerUnavailableError, TimeoutError, ClientDisconnect) as error:
        log(Severity.WARNING, Event.STAFF_CALL, outcome="unavailable", error=type(error).__name__)
    except InvalidSettingsError as error:
        log(Severity.ERROR, Event.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not look like an answer
        log(Severity.ERROR, Event.CRASHED, error=type(error).__name__, where=line_of(error))
    return unavailable()


async def _called(request: Request, room: Staffroom) -> Reply:
    # Not request.url: of a hostile Host header it makes a hostile path.
    found = find_route(request.method, request.scope["path"])
    visit = await let_in(room, request, found)
    return await found.route.handler(visit)


def _document() -> Response:
    # Imported when it is asked for: the calls need none of what makes a document of them.
    from functions.staff.openapi import openapi  # noqa: PLC0415

    headers = {"X-Content-Type-Options": "nosniff"}
    return JSONResponse(openapi(every_route()), headers=headers)
