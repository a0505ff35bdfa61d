"""`opentable_webhook`: authenticate one event and commit it before the response.

A 2xx means that the event is committed, to the ledger or to the quarantine.
"""

import asyncio
import contextlib
from typing import Any

import functions_framework.aio
from starlette.requests import Request

from functions.http import (
    JsonResult,
    RequestRejectedError,
    build_status_result,
    json_function,
    read_json_post,
)
from shared.context import AppContext
from shared.domain.ledger.events import Channel
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.settings import IntegrationSettings
from shared.guests.sync import fetch_guest_after_commit
from shared.ingest.events import IncomingEvent, QuarantineResult, ingest_event
from shared.ingest.webhook import (
    AuthenticatedSender,
    authenticate_sender,
    refetch_after_relay_event,
)
from shared.ledger.ledger import ApplyResult
from shared.log import LogEvent, Severity, log_event


def _log_unavailable(error: Exception) -> None:
    log_event(Severity.WARNING, LogEvent.WEBHOOK, outcome="unavailable", error=type(error).__name__)


@functions_framework.aio.http
@json_function(_log_unavailable)
async def opentable_webhook(request: Request, context: AppContext) -> JsonResult:
    """Apply a POST of a relay's envelope or of one of OpenTable's reservation objects."""
    deadline = asyncio.get_running_loop().time() + context.environment.webhook_deadline_seconds
    async with asyncio.timeout_at(deadline):
        raw_body, body = await read_json_post(request)
        settings, result = await _authenticate_and_ingest(request, context, raw_body, body)
    if isinstance(result, QuarantineResult):
        return build_status_result(
            202,
            "quarantined",
            restaurantId=settings.restaurant_id,
            reason=result.reason,
            quarantineId=result.id,
        )
    await _fetch_after_commit(context, settings, result, deadline)
    return build_status_result(
        200,
        result.outcome,
        restaurantId=settings.restaurant_id,
        reservationId=build_reservation_document_id(result.event.external_key),
        eventId=result.event.event_id,
    )


async def _authenticate_and_ingest(
    request: Request, context: AppContext, raw_body: bytes, body: dict[str, Any]
) -> tuple[IntegrationSettings, ApplyResult | QuarantineResult]:
    now = context.clock()
    sender = await authenticate_sender(context, dict(request.headers), raw_body, body, now)
    if sender is None:
        # One response for every cause, so that a sender cannot find out which restaurants exist.
        raise RequestRejectedError(401, "unauthenticated")
    settings = sender.settings
    if not settings.is_enabled:
        raise RequestRejectedError(403, "disabled", restaurantId=settings.restaurant_id)
    # The text and its type are stored unchanged if the event goes to the quarantine.
    content_type = request.headers.get("content-type", "application/json")
    incoming_event = IncomingEvent(
        sender.shape, body, raw_body.decode(), content_type, now, Channel.WEBHOOK, sender.verdict
    )
    result = await ingest_event(context, settings, incoming_event)
    _log_webhook(sender, result)
    return settings, result


def _log_webhook(sender: AuthenticatedSender, result: ApplyResult | QuarantineResult) -> None:
    is_quarantined = isinstance(result, QuarantineResult)
    log_event(
        Severity.WARNING if is_quarantined else Severity.INFO,
        LogEvent.WEBHOOK,
        restaurantId=sender.settings.restaurant_id,
        outcome=result.outcome,
        reason=result.reason if isinstance(result, QuarantineResult) else None,
        eventId=result.event.event_id if isinstance(result, ApplyResult) else None,
        scheme=sender.verdict.reason,
        credentialIndex=sender.verdict.credential_index,
    )


async def _fetch_after_commit(
    context: AppContext, settings: IntegrationSettings, result: ApplyResult, deadline: float
) -> None:
    """Fetch what the committed event refers to; if time runs out, the next poll fetches it."""
    # The event is committed: from here on, nothing may change the response.
    if asyncio.get_running_loop().time() >= deadline:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await refetch_after_relay_event(context, settings, result)
            await fetch_guest_after_commit(context, settings, result)
