"""``opentable_webhook``: one reservation event, authenticated and committed before it is answered.

A 2xx means committed, to the ledger or to the quarantine. Whatever goes wrong on our side is a
503, so that the sender tries again.
"""

import asyncio
import contextlib
from typing import Any

import functions_framework.aio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from functions.http import Answer, answer, begin_trace, read_bounded, refused
from shared.core.body import InvalidJsonError, parse_object
from shared.core.change import Source
from shared.core.keys import reservation_document_id
from shared.core.settings import Settings
from shared.edge.door import Visitor, admit
from shared.edge.hints import follow_hint
from shared.edge.intake import Quarantined, Statement, take_in
from shared.edge.learning import follow_guest
from shared.edge.ledger import Applied
from shared.edge.services import Services, services
from shared.edge.telemetry import Event, Severity, line_of, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError

UNAVAILABLE = answer(503, "unavailable")


@functions_framework.aio.http
async def opentable_webhook(request: Request) -> Response:
    """Take one webhook from OpenTable or from a relay.

    Args:
        request: A POST with an envelope or one of OpenTable's reservation objects.

    Returns:
        The answer of the documented table; never a 500.
    """
    try:
        return (await _answer(request, services())).response()
    except (LedgerUnavailableError, TimeoutError, ClientDisconnect) as error:
        log(Severity.WARNING, Event.WEBHOOK, outcome="unavailable", error=type(error).__name__)
    except InvalidSettingsError as error:
        log(Severity.ERROR, Event.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must make the sender try again
        log(Severity.ERROR, Event.CRASHED, error=type(error).__name__, where=line_of(error))
    return UNAVAILABLE.response()


async def _answer(request: Request, at_hand: Services) -> Answer:
    begin_trace(request, at_hand.environment.project)
    refusal = refused(request)
    if refusal is not None:
        return refusal
    ends = asyncio.get_running_loop().time() + at_hand.environment.webhook_seconds
    async with asyncio.timeout_at(ends):
        raw = await read_bounded(request)
        if raw is None:
            return answer(413, "too_large")
        try:
            body = parse_object(raw)
        except InvalidJsonError:
            return answer(400, "invalid_json")
        taken = await _admit_and_take_in(request, at_hand, raw, body)
    if isinstance(taken, Answer):
        return taken
    await _follow(at_hand, *taken, ends)
    return _applied(*taken)


async def _follow(at_hand: Services, settings: Settings, applied: Applied, ends: float) -> None:
    """Fetch what the committed event calls for; out of time, the next poll brings it instead."""
    if asyncio.get_running_loop().time() >= ends:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(ends):
            await follow_hint(at_hand, settings, applied)
            await follow_guest(at_hand, settings, applied)


async def _admit_and_take_in(
    request: Request, at_hand: Services, raw: bytes, body: dict[str, Any]
) -> Answer | tuple[Settings, Applied]:
    now = at_hand.clock()
    visitor = await admit(at_hand.directory, dict(request.headers), raw, body, now)
    if visitor is None:
        return answer(401, "unauthenticated")
    settings = visitor.settings
    if not settings.enabled:
        return answer(403, "disabled", restaurantId=settings.restaurant_id)
    content_type = request.headers.get("content-type", "application/json")
    statement = Statement(
        visitor.shape, body, raw.decode(), content_type, now, Source.WEBHOOK, visitor.verdict
    )
    taken = await take_in(at_hand, settings, statement)
    _log(visitor, taken)
    if isinstance(taken, Quarantined):
        return answer(202, "quarantined", restaurantId=settings.restaurant_id)
    return settings, taken


def _applied(settings: Settings, applied: Applied) -> Answer:
    return answer(
        200,
        applied.outcome,
        restaurantId=settings.restaurant_id,
        reservationId=reservation_document_id(applied.change.external_key),
        eventId=applied.change.event_id,
    )


def _log(visitor: Visitor, taken: Applied | Quarantined) -> None:
    log(
        Severity.WARNING if isinstance(taken, Quarantined) else Severity.INFO,
        Event.WEBHOOK,
        restaurantId=visitor.settings.restaurant_id,
        outcome=taken.outcome,
        reason=taken.reason if isinstance(taken, Quarantined) else None,
        eventId=taken.change.event_id if isinstance(taken, Applied) else None,
        scheme=visitor.verdict.reason,
        keyPosition=visitor.verdict.position,
    )
