"""Who is speaking, and for which restaurant: nobody gets past here on a guess."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.core import fields
from shared.core.authentication import authenticate
from shared.core.body import Shape, shape_of
from shared.core.envelope import restaurant_reference
from shared.core.settings import Settings
from shared.core.signature import Verdict
from shared.edge.directory import Directory
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError


class Visitor(Struct, frozen=True):
    """A sender that proved for which restaurant it speaks.

    Attributes:
        settings: The restaurant's settings.
        shape: The format that it speaks in.
        verdict: How it proved it.
    """

    settings: Settings
    shape: Shape
    verdict: Verdict


async def admit(
    directory: Directory,
    headers: Mapping[str, str],
    raw: bytes,
    body: dict[str, Any],
    now: datetime,
) -> Visitor | None:
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
    shape = shape_of(body)
    settings = await _restaurant(directory, body, shape)
    if shape is None or settings is None:
        _refuse("unknown_restaurant", None)
        return None
    verdict = await _verdict(directory, settings, headers, raw, now)
    if not verdict.accepted:
        _refuse(verdict.reason, settings.restaurant_id)
        return None
    return Visitor(settings, shape, verdict)


def _refuse(reason: str, restaurant_id: str | None) -> None:
    log(Severity.WARNING, Event.UNAUTHENTICATED, reason=reason, restaurantId=restaurant_id)


async def _restaurant(
    directory: Directory, body: Mapping[str, Any], shape: Shape | None
) -> Settings | None:
    """Find the restaurant that a body names: an object by rid alone, an envelope by either id."""
    if shape is Shape.OBJECT:
        rid = fields.identifier(body["rid"])
        return await directory.by_rid(rid) if rid else None
    reference = restaurant_reference(body)
    if shape is None or reference is None:
        return None
    return await directory.by_restaurant_id(reference) or await directory.by_rid(reference)


async def _verdict(
    directory: Directory,
    settings: Settings,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> Verdict:
    """Judge the proof; where it fails, once more with the secrets read anew (a rotation)."""
    verdict = await _once(directory, settings, headers, raw, now)
    if not verdict.accepted and directory.may_reread_credentials(settings):
        verdict = await _once(directory, settings, headers, raw, now)
    return verdict


async def _once(
    directory: Directory,
    settings: Settings,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> Verdict:
    try:
        credentials = await directory.credentials(settings)
    except InvalidSettingsError as error:
        log(
            Severity.ERROR,
            Event.SETTINGS_UNUSABLE,
            restaurantId=settings.restaurant_id,
            problem=str(error),
        )
        return Verdict(accepted=False, reason="no_credentials")
    return authenticate(headers, raw, settings.webhook_auth, credentials, now)
