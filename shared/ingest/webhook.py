"""Who is speaking, and for which restaurant: nobody gets past here on a guess.

A relay spoke where OpenTable had spoken: fetch OpenTable's own row, if it comes in time.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import AppContext, load_restaurant_context
from shared.domain.ledger.events import Channel
from shared.domain.normalization import fields
from shared.domain.normalization.envelope import read_restaurant_reference
from shared.domain.normalization.strict_json import WebhookFormat, detect_webhook_format
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth.verify import Verification, verify_webhook
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError
from shared.ingest.events import incoming_event_from_row, ingest_event
from shared.ledger.ledger import ApplyResult
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.directory import RestaurantDirectory


class AuthenticatedSender(Struct, frozen=True):
    """A sender that proved for which restaurant it speaks.

    Attributes:
        settings: The restaurant's settings.
        shape: The format that it speaks in.
        verdict: How it proved it.
    """

    settings: IntegrationSettings
    shape: WebhookFormat
    verdict: Verification


async def authenticate_sender(
    directory: RestaurantDirectory,
    headers: Mapping[str, str],
    raw: bytes,
    body: dict[str, Any],
    now: datetime,
) -> AuthenticatedSender | None:
    """Tell who sent a webhook; None for anyone who did not prove it, whatever the cause.

    Args:
        directory: Finds restaurants and their credentials.
        headers: Header name in lower case to value.
        raw: The bytes that were signed.
        body: The same, parsed.
        now: The time of receipt, UTC.

    Raises:
        LedgerUnavailableError: When settings or secrets cannot be read now.
    """
    shape = detect_webhook_format(body)
    settings = await _find_restaurant(directory, body, shape)
    if shape is None or settings is None:
        _log_unauthenticated("unknown_restaurant", None)
        return None
    verdict = await _verify_with_reread(directory, settings, headers, raw, now)
    if not verdict.is_accepted:
        _log_unauthenticated(verdict.reason, settings.restaurant_id)
        return None
    return AuthenticatedSender(settings, shape, verdict)


def _log_unauthenticated(reason: str, restaurant_id: str | None) -> None:
    log_event(
        Severity.WARNING,
        LogEvent.WEBHOOK_UNAUTHENTICATED,
        reason=reason,
        restaurantId=restaurant_id,
    )


async def _find_restaurant(
    directory: RestaurantDirectory, body: Mapping[str, Any], shape: WebhookFormat | None
) -> IntegrationSettings | None:
    """Find the restaurant that a body names: an object by rid alone, an envelope by either id."""
    if shape is WebhookFormat.OPENTABLE_RESERVATION:
        rid = fields.parse_identifier(body["rid"])
        return await directory.find_by_rid(rid) if rid else None
    reference = read_restaurant_reference(body)
    if shape is None or reference is None:
        return None
    return await directory.find_by_restaurant_id(reference) or await directory.find_by_rid(
        reference
    )


async def _verify_with_reread(
    directory: RestaurantDirectory,
    settings: IntegrationSettings,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> Verification:
    """Judge the proof; where it fails, once more with the secrets read anew (a rotation)."""
    verdict = await _verify_once(directory, settings, headers, raw, now)
    if not verdict.is_accepted and directory.try_invalidate_credentials(settings):
        verdict = await _verify_once(directory, settings, headers, raw, now)
    return verdict


async def _verify_once(
    directory: RestaurantDirectory,
    settings: IntegrationSettings,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> Verification:
    try:
        credentials = await directory.load_credentials(settings)
    except InvalidSettingsError as error:
        log_event(
            Severity.ERROR,
            LogEvent.SETTINGS_UNUSABLE,
            restaurantId=settings.restaurant_id,
            problem=str(error),
        )
        return Verification(is_accepted=False, reason="no_credentials")
    return verify_webhook(headers, raw, settings.webhook_auth, credentials, now)


async def refetch_after_relay_event(
    context: AppContext, settings: IntegrationSettings, applied: ApplyResult
) -> None:
    """Fetch and apply the row that an envelope hints at, within a strict budget.

    The envelope is committed already, and the next poll brings the row in any case: whatever
    goes wrong here is logged and changes no answer.
    """
    if not applied.needs_refetch:
        return
    open_table_id = str(applied.state.resolve_field("openTableId"))
    try:
        async with asyncio.timeout(context.environment.refetch_budget_seconds):
            outcome = await _refetch_row(context, settings, open_table_id)
    except (OpenTableError, InvalidSettingsError, ServiceUnavailableError, TimeoutError) as error:
        outcome = type(error).__name__
    log_event(
        Severity.INFO,
        LogEvent.WEBHOOK_REFETCH,
        restaurantId=settings.restaurant_id,
        outcome=outcome,
    )


async def _refetch_row(
    context: AppContext, settings: IntegrationSettings, open_table_id: str
) -> str:
    deadline = Deadline.after(context.environment.refetch_budget_seconds)
    restaurant = await load_restaurant_context(context, settings, deadline)
    row = await context.opentable.fetch_reservation(restaurant.access, open_table_id, deadline)
    if row is None:
        return "not_found"
    result = await ingest_event(
        context, settings, incoming_event_from_row(row, context.clock(), Channel.POLL)
    )
    return result.outcome if isinstance(result, ApplyResult) else result.reason
