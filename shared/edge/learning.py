"""Learning of guests: a row of the feed, or one that a reservation names and nobody has yet."""

import asyncio
from typing import Any

from shared.core.change import Channel
from shared.core.guest import Guest, parse_opentable_guest
from shared.core.joined import MAX_MERGES, LinkedGuest
from shared.core.keys import build_external_key
from shared.core.settings import IntegrationSettings
from shared.edge.connection import RestaurantContext, load_restaurant_context
from shared.edge.erasing import erase_guest
from shared.edge.guests import (
    follow_merges,
    guest_link_event,
    propagate_guest,
    read_guests,
    save_guest,
)
from shared.edge.intake import JSON_MEDIA_TYPE, encode_canonical_json
from shared.edge.keeping import quarantine_event
from shared.edge.ledger import ApplyResult
from shared.edge.opentable.clock import Deadline
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import (
    InvalidEventError,
    InvalidSettingsError,
    OpenTableError,
    ServiceUnavailableError,
)

_EXPECTED_ERRORS = (
    OpenTableError,
    InvalidSettingsError,
    ServiceUnavailableError,
    InvalidEventError,
    TimeoutError,
)


async def sync_guest(restaurant: RestaurantContext, row: dict[str, Any]) -> None:
    """Keep a row of the guests that a held reservation names, and join it to all that do.

    A merged guest hands its reservations to the survivor, which is fetched where nothing is
    held of it. A forgotten one is erased everywhere.

    Args:
        restaurant: To the restaurant's book.
        row: The row as OpenTable sent it.

    Raises:
        RejectedStatementError: When the row cannot be read.
        OpenTableError: When a survivor could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    context, settings = restaurant.context, restaurant.settings
    guest = parse_guest_row(restaurant, row)
    stored = await read_guests(context, settings, [guest.key])
    await save_guest(context, settings, guest)
    if guest.survivor_id is not None:
        await ensure_guest_stored(restaurant, guest.survivor_id)
    resolved = await follow_merges(context, settings, guest.key)
    if isinstance(resolved, LinkedGuest) and resolved.is_forgotten:
        aliases = stored[guest.key].personal_identifiers if guest.key in stored else []
        await erase_guest(context, settings, guest.key, aliases)
    else:
        await propagate_guest(context, settings, guest.key, Channel.POLL)


def parse_guest_row(restaurant: RestaurantContext, row: dict[str, Any]) -> Guest:
    """Read one of OpenTable's guests, received now.

    Raises:
        RejectedStatementError: When it cannot be read.
    """
    settings, now = restaurant.settings, restaurant.context.clock()
    return parse_opentable_guest(row, rid=settings.require_rid(), country=settings.country, now=now)


async def ensure_guest_stored(restaurant: RestaurantContext, guest_id: str) -> None:
    """Have held whatever guest an id leads to, through merges.

    A guest that OpenTable does not have, or whose row cannot be read, is held without details,
    so that it is not asked for again and again. One who must be forgotten is erased.

    Args:
        restaurant: To the restaurant's book.
        guest_id: The id as OpenTable wrote it.

    Raises:
        OpenTableError: When a guest could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    context, settings = restaurant.context, restaurant.settings
    pending_id: str | None = guest_id
    for _ in range(MAX_MERGES):
        if pending_id is None:
            return
        key = build_external_key(pending_id, settings.rid)
        stored = (await read_guests(context, settings, [key])).get(key)
        if stored is None:
            stored = await _fetch_guest(restaurant, pending_id, key)
            await save_guest(context, settings, stored)
            if stored.forgotten_at is not None:
                await erase_guest(context, settings, key)
        pending_id = stored.survivor_id


async def _fetch_guest(restaurant: RestaurantContext, guest_id: str, key: str) -> Guest:
    context, settings = restaurant.context, restaurant.settings
    row = await context.opentable.fetch_guest(restaurant.access, guest_id, restaurant.deadline)
    try:
        return Guest(key) if row is None else parse_guest_row(restaurant, row)
    except InvalidEventError as rejection:
        await quarantine_event(
            context, settings, encode_canonical_json(row), JSON_MEDIA_TYPE, rejection
        )
        return Guest(key)


async def fetch_guest_after_commit(
    context: AppContext, settings: IntegrationSettings, applied: ApplyResult
) -> None:
    """After a webhook's commit, fetch the guest that its reservation names, within a strict budget.

    The commit stands, and the next poll brings the guest in any case: whatever goes wrong here
    is logged and changes no answer.
    """
    if applied.missing_guest_key is None:
        return
    budget_seconds = context.environment.guest_budget_seconds
    try:
        async with asyncio.timeout(budget_seconds):
            restaurant = await load_restaurant_context(
                context, settings, Deadline.after(budget_seconds)
            )
            await ensure_guest_stored(restaurant, applied.guest_id)
            await link_guest(
                context, settings, applied.event.external_key, applied.missing_guest_key
            )
        outcome = "joined"
    except _EXPECTED_ERRORS as error:
        outcome = type(error).__name__
    log_event(
        Severity.INFO, LogEvent.WEBHOOK_GUEST, restaurantId=settings.restaurant_id, outcome=outcome
    )


async def link_guest(
    context: AppContext, settings: IntegrationSettings, reservation_key: str, guest_key: str
) -> None:
    """Join the guest that a reservation names, read afresh, to that reservation.

    Raises:
        LedgerUnavailableError: When it could not be written.
    """
    event = guest_link_event(reservation_key, guest_key, context.clock(), Channel.POLL)
    await context.ledger(settings).apply(event)
