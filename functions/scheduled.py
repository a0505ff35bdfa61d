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

from functions.http import Answer, answer, begin_trace, read_bounded
from shared.core.body import InvalidJsonError, parse_object
from shared.core.structs import InvalidFieldsError, read_struct
from shared.edge.services import Services, services
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError

_CLIENT = "shared.edge.opentable.client"
TICK = "x-cloudscheduler-scheduletime"
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}\Z")]


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scheduled function is asked to do; everything is optional.

    Attributes:
        restaurant_id: Lineup's id of the one restaurant that is meant.
        tick: Which tick of the schedule asks, as the scheduler tells it, or else the minute.
    """

    restaurant_id: Id | None = field(default=None, name="restaurantId")
    tick: str = ""


AnyOrder = TypeVar("AnyOrder", bound=Order)


async def scheduled(
    request: Request,
    kind: type[AnyOrder],
    run: Callable[[Services, AnyOrder], Awaitable[Answer]],
) -> Response:
    """Answer a scheduled request.

    Args:
        request: The request; Cloud Run has checked that it comes from the scheduler.
        kind: The model of its body.
        run: Does the work.

    Returns:
        The work's answer; 400 for a body that cannot be read; 503 where nothing could be done.
    """
    try:
        at_hand = services()
        begin_trace(request, at_hand.environment.project)
        order = await read_order(request, kind)
        if isinstance(order, Answer):
            return order.response()
        minute = f"{at_hand.clock():%Y-%m-%dT%H:%M}"
        tick = request.headers.get(TICK, minute)
        async with _opentable_at_hand():
            return (await run(at_hand, replace(order, tick=tick))).response()
    except LedgerUnavailableError as error:
        log(Severity.ERROR, Event.RUN_FAILED, error=str(error))
    except InvalidSettingsError as error:
        log(Severity.ERROR, Event.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must make the scheduler try again
        log(Severity.ERROR, Event.CRASHED, error=type(error).__name__, where=line_of(error))
    return answer(503, "unavailable").response()


@asynccontextmanager
async def _opentable_at_hand() -> AsyncIterator[None]:
    """Import OpenTable's client while Firestore is waited for: each run begins by asking it."""
    importing = asyncio.create_task(asyncio.to_thread(import_module, _CLIENT))
    try:
        yield
    finally:
        await importing


async def read_order(request: Request, kind: type[AnyOrder]) -> AnyOrder | Answer:
    """Read the optional body, or return the refusal of one that cannot be read."""
    if request.method != "POST":
        return answer(405, "method_not_allowed")
    raw = await read_bounded(request)
    if raw is None:
        return answer(413, "too_large")
    try:
        return read_struct(kind, parse_object(raw) if raw.strip() else {})
    except InvalidJsonError:
        return answer(400, "invalid_json")
    except InvalidFieldsError as error:
        fields = sorted(name or "body" for name in error.problems)
        return answer(400, "invalid_request", fields=fields)
