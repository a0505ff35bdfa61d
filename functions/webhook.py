"""`opentable_webhook`: authenticate one event and commit it before the response.

A 2xx means that the event is committed, to the ledger or to the quarantine.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import functions_framework.aio
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request

from functions.http import (
    BodyReader,
    JsonResult,
    RequestRejectedError,
    build_status_result,
    json_function,
    require_json_post,
)
from shared.concurrency import Deadline
from shared.context import AppContext, RestaurantContext, connect_restaurant
from shared.domain.http_messages import parse_strict_json
from shared.domain.ledger.events import Channel
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.normalization.webhook_body import (
    WebhookFormat,
    WebhookRoute,
    find_raw_route,
    find_route,
    is_test_event,
)
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth import (
    INCOMPLETE_BODY,
    NO_CREDENTIAL,
    Authentication,
    AuthenticationFailure,
    authenticate_webhook,
    detect_scheme,
)
from shared.errors import EXPECTED_RUN_ERRORS, InvalidEventError, InvalidSettingsError
from shared.guests.fetch import ensure_guest_stored
from shared.guests.repository import link_guests
from shared.ingest.deliveries import record_refusal
from shared.ingest.events import IncomingEvent, QuarantineResult, ingest_event, wrap_row
from shared.ledger.ledger import ApplyResult
from shared.log import LogEvent, Severity, log_event, log_internal_error, log_unusable_settings
from shared.opentable.query import Resource
from shared.restaurants.directory import RestaurantDirectory

_MAX_PENDING_BODIES = 64
_BODY_TIMEOUT_SECONDS = 3.0
_SMALL_BODY_BYTES = 1024
# Longer than the lookups of an existing restaurant, two secrets and the recent changes.
_REFUSAL_SECONDS = 0.3
_body_reader = BodyReader(_MAX_PENDING_BODIES, _BODY_TIMEOUT_SECONDS)


class AuthenticatedSender(Struct, frozen=True):
    """A sender with a valid credential of the restaurant that the body names."""

    settings: IntegrationSettings
    route: WebhookRoute
    authentication: Authentication


class RefusedSender(Struct, frozen=True):
    """A sender without a valid credential of the restaurant that it names."""

    settings: IntegrationSettings | None
    failure: AuthenticationFailure


@functions_framework.aio.http
@json_function(
    lambda error: log_event(
        Severity.WARNING, LogEvent.WEBHOOK, outcome="unavailable", error=type(error).__name__
    )
)
async def opentable_webhook(request: Request, context: AppContext) -> JsonResult:
    """Apply a POST of a relay's envelope or of one of OpenTable's reservation objects."""
    started_at = asyncio.get_running_loop().time()
    deadline = started_at + context.environment.webhook_deadline_seconds
    async with asyncio.timeout_at(deadline):
        sender, raw_body, body = await _authenticate(request, context, started_at)
        restaurant = RestaurantContext(context, sender.settings)
        if sender.route.format is WebhookFormat.ENVELOPE and is_test_event(body):
            # It is only sent to prove that webhooks arrive: nothing is stored.
            _log_webhook(sender, None)
            return build_status_result(200, "test", restaurantId=restaurant.id)
        incoming_event = IncomingEvent(
            sender.route.format,
            body,
            # The text and its type are stored unchanged if the event goes to the quarantine.
            raw_body.decode(),
            request.headers.get("content-type", "application/json"),
            context.clock(),
            Channel.WEBHOOK,
            sender.authentication,
        )
        result = await ingest_event(restaurant, incoming_event)
    duration_ms = round((asyncio.get_running_loop().time() - started_at) * 1000)
    _log_webhook(sender, result, duration_ms)
    if isinstance(result, QuarantineResult):
        return build_status_result(
            202,
            "quarantined",
            restaurantId=restaurant.id,
            reason=result.reason,
            quarantineId=result.id,
        )
    await fetch_after_commit(restaurant, result, deadline)
    return build_status_result(
        200,
        result.outcome,
        restaurantId=restaurant.id,
        reservationId=build_reservation_document_id(result.event.external_key),
        eventId=result.event.event_id,
    )


async def _authenticate(
    request: Request, context: AppContext, started_at: float
) -> tuple[AuthenticatedSender, bytes, dict[str, Any]]:
    """Return the sender, and the body raw and parsed.

    The steps are ordered by their cost: headers, raw body, lookups, complete parse.
    """
    require_json_post(request)
    # `dict(request.headers)` searches all headers for each name: half a second for 7,000 of them.
    # Reversed, because the first of equal names counts.
    headers = dict(reversed(request.headers.items()))
    scheme = detect_scheme(headers)
    if scheme is None:
        record_refusal(context, None, "none", NO_CREDENTIAL.reason)
        raise RequestRejectedError(401, "unauthenticated")
    # Concurrent with the arrival of the body.
    context.directory.changes.refresh_ahead()
    try:
        raw_body = await _body_reader.read(request)
    except (TimeoutError, ClientDisconnect):
        # Sampled, as anybody can cause it.
        record_refusal(context, None, scheme, INCOMPLETE_BODY.reason)
        raise RequestRejectedError(503, "unavailable") from None
    route = find_raw_route(raw_body)
    sender = await authenticate_sender(context, headers, raw_body, route, context.clock())
    # One response for every cause, so that a sender cannot find out which restaurants exist. It has
    # a fixed duration, because a lookup or a read of a secret takes time.
    if sender is None:
        await asyncio.sleep(started_at + _REFUSAL_SECONDS - asyncio.get_running_loop().time())
        # A small body is parsed in any case: its parse costs little and shows what to fix.
        if len(raw_body) <= _SMALL_BODY_BYTES:
            parse_strict_json(raw_body)
        raise RequestRejectedError(401, "unauthenticated")
    body = parse_strict_json(raw_body)
    # The credential was checked for the restaurant that the raw body names.
    if find_route(body) != sender.route:
        raise RequestRejectedError(401, "unauthenticated")
    if not sender.settings.is_enabled:
        restaurant_id = sender.settings.restaurant_id
        raise RequestRejectedError(403, "disabled", restaurantId=restaurant_id)
    return sender, raw_body, body


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


def _log_webhook(
    sender: AuthenticatedSender,
    result: ApplyResult | QuarantineResult | None,
    duration_ms: int | None = None,
) -> None:
    """Log an accepted webhook; a test event has no result."""
    applied = result if isinstance(result, ApplyResult) else None
    quarantined = result if isinstance(result, QuarantineResult) else None
    log_event(
        Severity.WARNING if quarantined else Severity.INFO,
        LogEvent.WEBHOOK,
        restaurantId=sender.settings.restaurant_id,
        outcome=result.outcome if result else "test",
        scheme=sender.authentication.scheme,
        credentialIndex=sender.authentication.credential_index,
        reason=quarantined.reason if quarantined else None,
        eventId=applied.event.event_id if applied else None,
        lagSeconds=applied.lag_seconds if applied else None,
        durationMs=duration_ms,
    )


async def fetch_after_commit(
    restaurant: RestaurantContext, result: ApplyResult, deadline: float
) -> None:
    """Fetch what the committed event refers to; if time runs out, the next poll fetches it."""
    if asyncio.get_running_loop().time() >= deadline:
        return
    try:
        async with asyncio.timeout_at(deadline):
            await refetch_after_relay_event(restaurant, result)
            await fetch_guest_after_commit(restaurant, result)
    except TimeoutError:
        pass
    except Exception as error:  # noqa: BLE001 -- the event is committed: a 503 would repeat it
        log_internal_error(error, restaurant.id)


async def refetch_after_relay_event(restaurant: RestaurantContext, applied: ApplyResult) -> None:
    """Fetch and apply OpenTable's row of a reservation that a relay changed, within a budget.

    A failure is only logged: the relay's event is committed, and the next poll brings the row too.
    """
    if not applied.needs_refetch:
        return
    context = restaurant.context
    budget_seconds = context.environment.refetch_budget_seconds
    open_table_id = str(applied.state.find_opentable_id("openTableId"))
    try:
        async with asyncio.timeout(budget_seconds):
            deadline = Deadline.after(budget_seconds)
            connected = await connect_restaurant(restaurant, deadline)
            row = await context.opentable.fetch_row(
                connected.access, Resource.RESERVATIONS, open_table_id, deadline
            )
            outcome = "not_found"
            if row is not None:
                # The row takes the same path as in a poll; its version decides.
                incoming = wrap_row(row, context.clock(), Channel.POLL)
                result = await ingest_event(restaurant, incoming)
                outcome = result.outcome if isinstance(result, ApplyResult) else result.reason
    except (*EXPECTED_RUN_ERRORS, TimeoutError) as error:
        outcome = type(error).__name__
    log_event(
        Severity.INFO,
        LogEvent.WEBHOOK_REFETCH,
        restaurantId=restaurant.id,
        outcome=outcome,
    )


async def fetch_guest_after_commit(restaurant: RestaurantContext, applied: ApplyResult) -> None:
    """Fetch the guest of a reservation just written by a webhook, within a short time budget.

    A failure is only logged: the reservation is committed, and the next poll fetches the guest.
    """
    if applied.missing_guest_key is None:
        return
    context = restaurant.context
    budget_seconds = context.environment.guest_budget_seconds
    try:
        async with asyncio.timeout(budget_seconds):
            connected = await connect_restaurant(restaurant, Deadline.after(budget_seconds))
            await ensure_guest_stored(
                connected,
                applied.guest_id,
                lambda guest_id, _key: context.opentable.fetch_row(
                    connected.access, Resource.GUESTS, guest_id, connected.deadline
                ),
            )
            link = applied.event.external_key, applied.missing_guest_key
            await link_guests(restaurant, [link], Channel.POLL)
        outcome = "linked"
    except (*EXPECTED_RUN_ERRORS, InvalidEventError, TimeoutError) as error:
        outcome = type(error).__name__
    log_event(Severity.INFO, LogEvent.WEBHOOK_GUEST, restaurantId=restaurant.id, outcome=outcome)
