"""Who is speaking, and for which restaurant: nobody gets past here on a guess."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.core import fields
from shared.core.authentication import verify_webhook
from shared.core.body import WebhookFormat, detect_webhook_format
from shared.core.envelope import read_restaurant_reference
from shared.core.settings import IntegrationSettings
from shared.core.signature import Verification
from shared.edge.directory import RestaurantDirectory
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import InvalidSettingsError


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
