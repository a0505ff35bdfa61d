"""Authenticate the sender of a webhook by the credentials of the restaurant that it names."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from shared.context import AppContext
from shared.domain.normalization.webhook_body import WebhookRoute
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth import (
    Authentication,
    AuthenticationFailure,
    authenticate_webhook,
    detect_scheme,
)
from shared.errors import InvalidSettingsError
from shared.ingest.deliveries import record_refusal
from shared.log import log_unusable_settings
from shared.restaurants.directory import RestaurantDirectory


class AuthenticatedSender(Struct, frozen=True):
    """A sender with a valid credential of the restaurant that the body names."""

    settings: IntegrationSettings
    route: WebhookRoute
    authentication: Authentication


class RefusedSender(Struct, frozen=True):
    """A sender without a valid credential of the restaurant that it names."""

    settings: IntegrationSettings | None
    failure: AuthenticationFailure


async def authenticate_sender(
    context: AppContext,
    headers: Mapping[str, str],
    raw_body: bytes,
    route: WebhookRoute | None,
    now: datetime,
) -> AuthenticatedSender | None:
    """Return the sender of a webhook, None if it is not authenticated for any reason.

    Args:
        headers: Names in lower case to values.
        raw_body: The body as signed.
        now: The time of receipt, UTC.
    """
    directory, changes = context.directory, context.directory.changes
    # Before any read: a credential stored until now must be accepted.
    received_at = changes.get_time()
    await changes.ensure_current()
    revision = changes.revision
    sender = await _attempt_authentication(directory, headers, raw_body, route, now)
    if isinstance(sender, AuthenticatedSender):
        return sender
    # The credential may be newer than the caches (a rotation).
    await changes.ensure_read_since(received_at)
    is_outdated = changes.revision != revision
    if is_outdated or (sender.settings and directory.try_invalidate_credentials(sender.settings)):
        sender = await _attempt_authentication(directory, headers, raw_body, route, now)
    if isinstance(sender, AuthenticatedSender):
        return sender
    restaurant_id = sender.settings.restaurant_id if sender.settings else None
    # The reason is for the log; the response is the same for all of them.
    record_refusal(context, restaurant_id, detect_scheme(headers) or "none", sender.failure.reason)
    return None


async def _attempt_authentication(
    directory: RestaurantDirectory,
    headers: Mapping[str, str],
    raw_body: bytes,
    route: WebhookRoute | None,
    now: datetime,
) -> AuthenticatedSender | RefusedSender:
    settings = None
    if route is not None:
        # The partner's credential is proven without a lookup, so it may look up any restaurant.
        is_partner = not directory.is_known(
            route.reference
        ) and await directory.has_partner_credential(headers, raw_body, now)
        settings = await directory.find_by_route(route, is_partner=is_partner)
    if route is None or settings is None:
        return RefusedSender(None, AuthenticationFailure("unknown_restaurant"))
    try:
        credentials = await directory.load_credentials(settings)
    except InvalidSettingsError as error:
        log_unusable_settings(error, settings.restaurant_id)
        return RefusedSender(settings, AuthenticationFailure("no_credentials"))
    result = authenticate_webhook(headers, raw_body, settings.webhook_auth, credentials, now)
    if isinstance(result, Authentication):
        return AuthenticatedSender(settings, route, result)
    return RefusedSender(settings, result)
