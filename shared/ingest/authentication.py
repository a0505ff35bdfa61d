"""Authenticate the sender of a webhook, and record refusals.

A flood of refused webhooks must cost little. Each kind of refusal is logged when it begins, then
once a minute with the number of refusals since. The counts of an existing restaurant are stored
once a minute.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from google.api_core import exceptions as google
from msgspec import Struct

from shared.context import AppContext
from shared.domain.health import (
    RefusalWindow,
    WebhookRefusal,
    merge_refusals,
    refusals_from_document,
)
from shared.domain.normalization.webhook_body import WebhookRoute
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth import AuthenticationResult, authenticate_webhook, detect_scheme
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.firestore.raw_client import DocumentWrite
from shared.log import LogEvent, Severity, log_event, log_unusable_settings
from shared.restaurants.directory import RestaurantDirectory

REFUSAL_WINDOW_SECONDS = 60.0
MAX_REFUSAL_WINDOWS = 1_000  # bounds the restaurants that one instance writes in a minute
_TIMEOUT_SECONDS = 5.0


class AuthenticatedSender(Struct, frozen=True):
    """A sender with a valid credential of a restaurant.

    Attributes:
        route: The format of the body, and the restaurant that it names.
        authentication: The scheme and the position of the credential.
    """

    settings: IntegrationSettings
    route: WebhookRoute
    authentication: AuthenticationResult


class RefusedSender(Struct, frozen=True):
    """A sender without a valid credential of the restaurant that it names."""

    settings: IntegrationSettings | None
    authentication: AuthenticationResult


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
    record_refusal(
        context, restaurant_id, detect_scheme(headers) or "none", sender.authentication.reason
    )
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
        return RefusedSender(
            None, AuthenticationResult(is_accepted=False, reason="unknown_restaurant")
        )
    try:
        credentials = await directory.load_credentials(settings)
    except InvalidSettingsError as error:
        log_unusable_settings(error, settings.restaurant_id)
        return RefusedSender(
            settings, AuthenticationResult(is_accepted=False, reason="no_credentials")
        )
    authentication = authenticate_webhook(
        headers, raw_body, settings.webhook_auth, credentials, now
    )
    if authentication.is_accepted:
        return AuthenticatedSender(settings, route, authentication)
    return RefusedSender(settings, authentication)


def record_refusal(
    context: AppContext, restaurant_id: str | None, scheme: str, reason: str
) -> None:
    """Count a refused webhook.

    Args:
        restaurant_id: The restaurant, None if it is unknown.
        reason: A code of docs/codes.md#authentication-failures.
    """
    windows, now = context.refusal_windows, context.clock()
    # Beyond the limit, refusals are only logged, all as of an unknown restaurant.
    key = restaurant_id if restaurant_id in windows or len(windows) < MAX_REFUSAL_WINDOWS else None
    if key not in windows:
        windows[key] = RefusalWindow()
        task = asyncio.create_task(_run_refusal_windows(context, key, windows[key]))
        context.background_tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(context.background_tasks.discard)
    window = windows[key]
    if key is not None:
        refusal = WebhookRefusal(scheme, reason, 1, now, now)
        window.unstored = merge_refusals(window.unstored, [refusal], now)
    window.unlogged[scheme, reason] += 1
    if (scheme, reason) not in window.logged:
        _log_refusals(key, window)


async def _run_refusal_windows(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Store and log what a restaurant's windows collect, until one of them stays empty."""
    while window.logged or window.unstored:
        await _store_refusals(context, restaurant_id, window)
        await asyncio.sleep(REFUSAL_WINDOW_SECONDS)
        window.logged = set()
        _log_refusals(restaurant_id, window)
    del context.refusal_windows[restaurant_id]


def _log_refusals(restaurant_id: str | None, window: RefusalWindow) -> None:
    for (scheme, reason), count in window.unlogged.items():
        log_event(
            Severity.WARNING,
            LogEvent.WEBHOOK_UNAUTHENTICATED,
            reason=reason,
            scheme=scheme,
            restaurantId=restaurant_id,
            count=count,
        )
    window.logged |= window.unlogged.keys()
    window.unlogged.clear()


async def _store_refusals(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Add a window's counts to the stored ones; a failed write is repeated a minute later."""
    if restaurant_id is None or not window.unstored:
        return
    refusals, window.unstored = window.unstored, []
    reference = paths.webhook_refusals_document(context.firestore, restaurant_id)
    rpc, now = context.firestore.rpc, context.clock()
    try:
        stored = (await rpc.batch_get([reference], _TIMEOUT_SECONDS))[reference.path]
        merged = merge_refusals(refusals_from_document(stored.fields), refusals, now)
        fields = {"refusals": [refusal.to_map() for refusal in merged], "updatedAt": now}
        is_create = stored.fields is None
        # Conditional, because another instance may add its counts at the same time.
        write = DocumentWrite(reference, fields, is_create, stored.update_time)
        await rpc.commit([write], _TIMEOUT_SECONDS)
    except google.GoogleAPIError:
        # A conflict too: in a minute, the counts of the other instance are read.
        window.unstored = merge_refusals(refusals, window.unstored, now)
