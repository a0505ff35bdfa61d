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

from functions.http import (
    JsonResult,
    build_status_result,
    check_method_and_media_type,
    read_request_body,
    set_request_trace,
)
from shared.context import AppContext, get_app_context
from shared.domain.ledger.events import Channel
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.guests.sync import fetch_guest_after_commit
from shared.ingest.events import IncomingEvent, QuarantineResult, ingest_event
from shared.ingest.webhook import (
    AuthenticatedSender,
    authenticate_sender,
    refetch_after_relay_event,
)
from shared.ledger.ledger import ApplyResult
from shared.log import LogEvent, Severity, format_error_location, log_event

UNAVAILABLE_RESULT = build_status_result(503, "unavailable")


@functions_framework.aio.http
async def opentable_webhook(request: Request) -> Response:
    """Take one webhook from OpenTable or from a relay.

    Args:
        request: A POST with an envelope or one of OpenTable's reservation objects.

    Returns:
        The answer of the documented table; never a 500.
    """
    try:
        return (await _handle_webhook(request, get_app_context())).to_response()
    except (ServiceUnavailableError, TimeoutError, ClientDisconnect) as error:
        log_event(
            Severity.WARNING, LogEvent.WEBHOOK, outcome="unavailable", error=type(error).__name__
        )
    except InvalidSettingsError as error:
        log_event(Severity.ERROR, LogEvent.SETTINGS_UNUSABLE, problem=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of ours must make the sender try again
        log_event(
            Severity.ERROR,
            LogEvent.INTERNAL_ERROR,
            error=type(error).__name__,
            where=format_error_location(error),
        )
    return UNAVAILABLE_RESULT.to_response()


async def _handle_webhook(request: Request, context: AppContext) -> JsonResult:
    set_request_trace(request, context.environment.project)
    rejection = check_method_and_media_type(request)
    if rejection is not None:
        return rejection
    deadline = asyncio.get_running_loop().time() + context.environment.webhook_deadline_seconds
    async with asyncio.timeout_at(deadline):
        raw_body = await read_request_body(request)
        if raw_body is None:
            return build_status_result(413, "too_large")
        try:
            body = parse_strict_json(raw_body)
        except InvalidJsonError:
            return build_status_result(400, "invalid_json")
        result = await _authenticate_and_ingest(request, context, raw_body, body)
    if isinstance(result, JsonResult):
        return result
    await _fetch_after_commit(context, *result, deadline)
    return _build_applied_result(*result)


async def _fetch_after_commit(
    context: AppContext, settings: IntegrationSettings, apply_result: ApplyResult, deadline: float
) -> None:
    """Fetch what the committed event calls for; out of time, the next poll brings it instead."""
    if asyncio.get_running_loop().time() >= deadline:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await refetch_after_relay_event(context, settings, apply_result)
            await fetch_guest_after_commit(context, settings, apply_result)


async def _authenticate_and_ingest(
    request: Request, context: AppContext, raw_body: bytes, body: dict[str, Any]
) -> JsonResult | tuple[IntegrationSettings, ApplyResult]:
    now = context.clock()
    sender = await authenticate_sender(
        context.directory, dict(request.headers), raw_body, body, now
    )
    if sender is None:
        return build_status_result(401, "unauthenticated")
    settings = sender.settings
    if not settings.is_enabled:
        return build_status_result(403, "disabled", restaurantId=settings.restaurant_id)
    content_type = request.headers.get("content-type", "application/json")
    incoming_event = IncomingEvent(
        sender.shape, body, raw_body.decode(), content_type, now, Channel.WEBHOOK, sender.verdict
    )
    ingest_result = await ingest_event(context, settings, incoming_event)
    _log_webhook(sender, ingest_result)
    if isinstance(ingest_result, QuarantineResult):
        return build_status_result(202, "quarantined", restaurantId=settings.restaurant_id)
    return settings, ingest_result


def _build_applied_result(settings: IntegrationSettings, apply_result: ApplyResult) -> JsonResult:
    return build_status_result(
        200,
        apply_result.outcome,
        restaurantId=settings.restaurant_id,
        reservationId=build_reservation_document_id(apply_result.event.external_key),
        eventId=apply_result.event.event_id,
    )


def _log_webhook(
    sender: AuthenticatedSender, ingest_result: ApplyResult | QuarantineResult
) -> None:
    log_event(
        Severity.WARNING if isinstance(ingest_result, QuarantineResult) else Severity.INFO,
        LogEvent.WEBHOOK,
        restaurantId=sender.settings.restaurant_id,
        outcome=ingest_result.outcome,
        reason=ingest_result.reason if isinstance(ingest_result, QuarantineResult) else None,
        eventId=ingest_result.event.event_id if isinstance(ingest_result, ApplyResult) else None,
        scheme=sender.verdict.reason,
        credentialIndex=sender.verdict.credential_index,
    )
