"""Authenticate the sender of a webhook, and fetch OpenTable's row after a relay's event."""

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
from shared.domain.webhook_auth.verify import Verification, detect_scheme, verify_webhook
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError
from shared.ingest.events import incoming_event_from_row, ingest_event
from shared.ingest.refusals import record_refusal
from shared.ledger.ledger import ApplyResult
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.directory import RestaurantDirectory


class AuthenticatedSender(Struct, frozen=True):
    """A sender with a valid credential of a restaurant.

    Attributes:
        shape: The format of the body.
        verdict: How the sender authenticated.
    """

    settings: IntegrationSettings
    shape: WebhookFormat
    verdict: Verification


async def authenticate_sender(
    context: AppContext,
    headers: Mapping[str, str],
    raw: bytes,
    body: dict[str, Any],
    now: datetime,
) -> AuthenticatedSender | None:
    """Return the sender of a webhook, None if it is not authenticated for any reason.

    Args:
        context: The clients of the process.
        headers: Names in lower case to values.
        raw: The body as signed.
        body: The same, parsed.
        now: The time of receipt, UTC.
    """
    directory, shape = context.directory, detect_webhook_format(body)
    settings = await _find_restaurant(directory, body, shape)
    # The reason is for the log; the response is the same for all of them.
    verdict = Verification(is_accepted=False, reason="unknown_restaurant")
    if shape is not None and settings is not None:
        verdict = await _verify(directory, settings, headers, raw, now)
        if not verdict.is_accepted and directory.try_invalidate_credentials(settings):
            # The credential may be newer than the cached secrets (a rotation).
            verdict = await _verify(directory, settings, headers, raw, now)
        if verdict.is_accepted:
            return AuthenticatedSender(settings, shape, verdict)
    restaurant_id = settings.restaurant_id if settings else None
    record_refusal(context, restaurant_id, detect_scheme(headers) or "none", verdict.reason)
    return None


async def _find_restaurant(
    directory: RestaurantDirectory, body: Mapping[str, Any], shape: WebhookFormat | None
) -> IntegrationSettings | None:
    """Find the restaurant in a body. OpenTable's objects have a rid, envelopes either id."""
    if shape is WebhookFormat.OPENTABLE_RESERVATION:
        rid = fields.parse_identifier(body["rid"])
        return await directory.find_by_rid(rid) if rid else None
    # A relay may use Lineup's id or the rid.
    reference = read_restaurant_reference(body)
    if shape is None or reference is None:
        return None
    return await directory.find_by_restaurant_id(reference) or await directory.find_by_rid(
        reference
    )


async def _verify(
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
    """Fetch and apply OpenTable's row of a reservation that a relay changed, within a budget.

    The relay's event is committed, and the next poll would bring the row too. So a failure is only
    logged.
    """
    if not applied.needs_refetch:
        return
    budget_seconds = context.environment.refetch_budget_seconds
    open_table_id = str(applied.state.find_request_id("openTableId"))
    try:
        async with asyncio.timeout(budget_seconds):
            deadline = Deadline.after(budget_seconds)
            restaurant = await load_restaurant_context(context, settings, deadline)
            row = await context.opentable.fetch_reservation(
                restaurant.access, open_table_id, deadline
            )
            outcome = "not_found"
            if row is not None:
                # The row takes the same path as in a poll; its version decides.
                incoming = incoming_event_from_row(row, context.clock(), Channel.POLL)
                result = await ingest_event(context, settings, incoming)
                outcome = result.outcome if isinstance(result, ApplyResult) else result.reason
    except (OpenTableError, InvalidSettingsError, ServiceUnavailableError, TimeoutError) as error:
        outcome = type(error).__name__
    log_event(
        Severity.INFO,
        LogEvent.WEBHOOK_REFETCH,
        restaurantId=settings.restaurant_id,
        outcome=outcome,
    )
