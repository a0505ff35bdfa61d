"""Replaying a quarantined statement: in by the front door, only later.

Its sender proved who it is when it came; that verdict stays with the item and is not judged
anew, as its signature has long expired. Its place in time is the one that it had then.
"""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google

from shared.core.body import (
    InvalidJsonError,
    WebhookFormat,
    detect_webhook_format,
    parse_strict_json,
)
from shared.core.change import Channel, ReservationEvent
from shared.core.settings import IntegrationSettings
from shared.edge.batches import decide_group
from shared.edge.intake import IncomingEvent, normalize_event
from shared.edge.ledger import ApplyResult, Ledger, build_apply_result
from shared.edge.services import AppContext
from shared.errors import InvalidEventError, ServiceUnavailableError


async def replay_quarantined_event(
    context: AppContext, settings: IntegrationSettings, item: Mapping[str, Any]
) -> ApplyResult:
    """Apply a quarantined statement as if it came now, dated by when it first came.

    Args:
        context: The process's services.
        settings: The restaurant's.
        item: The quarantine item.

    Raises:
        RejectedStatementError: When it still cannot be applied; it stays where it is.
        LedgerUnavailableError: When it could not be committed now.
    """
    event = _build_event(settings, item)
    return await context.ledger(settings).apply(event)


async def dry_run_replay(
    context: AppContext, settings: IntegrationSettings, item: Mapping[str, Any]
) -> ApplyResult:
    """Return what `replay_quarantined_event` would do, writing nothing; it raises the same."""
    event = _build_event(settings, item)
    return await _decide_without_commit(context.ledger(settings), event)


async def _decide_without_commit(ledger: Ledger, event: ReservationEvent) -> ApplyResult:
    try:
        _, decisions = await decide_group(ledger, [event], ledger.new_write_context())
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return build_apply_result(event, decisions[event.external_key])


def _build_event(settings: IntegrationSettings, item: Mapping[str, Any]) -> ReservationEvent:
    text = item["body"]
    try:
        body = parse_strict_json(text.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        raise _build_not_an_event_error() from None
    shape = detect_webhook_format(body)
    if shape is None or (shape is WebhookFormat.ENVELOPE and not isinstance(body["data"], dict)):
        raise _build_not_an_event_error()
    content_type, received_at = item["contentType"], item["receivedAt"]
    incoming_event = IncomingEvent(
        shape, body, text, content_type, received_at, Channel.REPLAY, is_reviewed=True
    )
    return normalize_event(settings, incoming_event)


def _build_not_an_event_error() -> InvalidEventError:
    return InvalidEventError(
        "not_an_event", "The body is neither an envelope nor OpenTable's object."
    )
