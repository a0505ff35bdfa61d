"""Learning of guests: a row of the feed, or one that a reservation names and nobody has yet.

The guests' part of a poll: only those that a held reservation names are kept.

The feed is read before the reservations, so that a new reservation is written once, with its
guest; whom neither the feed nor the ledger knows is fetched by id afterwards.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, field

from shared.concurrency import Deadline, gather_bounded
from shared.context import AppContext, RestaurantContext, load_restaurant_context
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.ledger.guest_link import MAX_MERGES, LinkedGuest
from shared.domain.normalization.identifiers import build_external_key
from shared.domain.normalization.opentable_guest import Guest, parse_opentable_guest
from shared.domain.settings import IntegrationSettings
from shared.errors import (
    InvalidEventError,
    InvalidSettingsError,
    OpenTableError,
    ServiceUnavailableError,
)
from shared.guests.erasure import erase_guest
from shared.guests.repository import (
    find_reservations_of_guest,
    follow_merges,
    guest_link_event,
    propagate_guest,
    read_guests,
    save_guest,
    save_guests,
)
from shared.ingest.events import JSON_MEDIA_TYPE, encode_canonical_json
from shared.ledger.batch import apply_events
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.ledger.queries import read_unlinked_guest_ids
from shared.log import LogEvent, Severity, log_event
from shared.opentable.query import ListingQuery, Resource
from shared.quarantine.store import quarantine_event

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
    await open_ledger(context, settings).apply(event)


_MAX_CONCURRENT_FETCHES = 8


class GuestFeed(Struct):
    """What the guests' feed brought, and what became of it.

    Attributes:
        rows: Guests by key, each with its row.
        saved_keys: The keys of those that this run's reservations name, and that are held by now.
        created_keys: Those of them of whom nothing was held before this run.
        missing_guests: The reservations that name a guest of whom nothing is held, by the guest's
            id.
    """

    rows: dict[str, tuple[Guest, dict[str, Any]]] = field(default_factory=dict)
    saved_keys: set[str] = field(default_factory=set)
    created_keys: set[str] = field(default_factory=set)
    missing_guests: dict[str, list[str]] = field(default_factory=dict)

    def add_from_result(self, applied: ApplyResult) -> None:
        """Take up the guest that a reservation lacks, if any."""
        if applied.missing_guest_key is not None:
            self.add_missing_guest(applied.guest_id, applied.event.external_key)

    def add_missing_guest(self, guest_id: str, reservation_key: str) -> None:
        """Take up a guest, by OpenTable's id, that a reservation names."""
        self.missing_guests.setdefault(guest_id, []).append(reservation_key)

    def resolve_merged_keys(self, keys: Iterable[str]) -> set[str]:
        """Return the keys and those that they lead to through merges, as far as the feed tells."""
        resolved_keys: set[str] = set()
        pending_keys = {key for key in keys if key in self.rows}
        while pending_keys:
            resolved_keys |= pending_keys
            survivors = {self.rows[key][0].survivor_key for key in pending_keys}
            pending_keys = {key for key in survivors if key in self.rows} - resolved_keys
        return resolved_keys


async def read_changed_guests(restaurant: RestaurantContext, since: datetime | None) -> GuestFeed:
    """Read the guests that changed; a row that cannot be read is kept aside.

    Args:
        restaurant: To the restaurant's book.
        since: The time from which changes are asked for; None asks for all, the first time.

    Raises:
        OpenTableError: When the feed could not be read whole.
        LedgerUnavailableError: When an unreadable row could not be kept.
    """
    feed = GuestFeed()
    if since is None:
        await _add_unlinked_guests(restaurant, feed)
    await _read_pages(restaurant, feed, since)
    return feed


async def read_all_guests(restaurant: RestaurantContext) -> GuestFeed:
    """Read all guests; skip the ones already stored. Raises as `read_changed_guests`.

    Args:
        restaurant: To the restaurant's book.
    """
    feed = GuestFeed()
    await _read_pages(restaurant, feed, None)
    return feed


async def _read_pages(
    restaurant: RestaurantContext, feed: GuestFeed, since: datetime | None
) -> None:
    pages = restaurant.context.opentable.iterate_pages(
        restaurant.access, Resource.GUESTS, ListingQuery(updated_after=since), restaurant.deadline
    )
    async for page in pages:
        for row in page.rows:
            try:
                guest = parse_guest_row(restaurant, row)
            except InvalidEventError as rejection:
                text = encode_canonical_json(row)
                await quarantine_event(
                    restaurant.context, restaurant.settings, text, JSON_MEDIA_TYPE, rejection
                )
            else:
                feed.rows[guest.key] = (guest, row)


async def _add_unlinked_guests(restaurant: RestaurantContext, feed: GuestFeed) -> None:
    """Take up what webhooks brought before the first run: its rows may tell of none of that."""
    context, settings = restaurant.context, restaurant.settings
    unlinked = await read_unlinked_guest_ids(
        context.firestore, settings.restaurant_id, restaurant.access.rid, restaurant.deadline
    )
    for reservation_key, guest_id in unlinked.items():
        feed.add_missing_guest(guest_id, reservation_key)


async def save_referenced_guests(
    restaurant: RestaurantContext, feed: GuestFeed, events: Iterable[ReservationEvent]
) -> None:
    """Keep those guests of the feed that a page's reservations name, before these are written.

    Raises:
        LedgerUnavailableError: When one could not be stored.
    """
    referenced_keys = {
        key for event in events if isinstance(key := event.fields.get("guestKey"), str)
    }
    new_keys = feed.resolve_merged_keys(referenced_keys) - feed.saved_keys
    guests = [feed.rows[key][0] for key in sorted(new_keys)]
    for guest in guests:
        if guest.forgotten_at is not None:
            # Before its record goes, which tells by which names it may be quarantined.
            await sync_guest(restaurant, feed.rows[guest.key][1])
    feed.created_keys |= await save_guests(restaurant.context, restaurant.settings, guests)
    feed.saved_keys |= new_keys


async def sync_remaining_guests(
    restaurant: RestaurantContext, feed: GuestFeed, *, is_first: bool
) -> None:
    """Bring what is left level once the reservations are written.

    Args:
        restaurant: To the restaurant's book.
        feed: What was read, and what the reservations named.
        is_first: Whether all that is coming was just read, so that nobody else need be known;
            whoever must be forgotten may yet be named by something older.

    Raises:
        OpenTableError: When a guest could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    context, settings = restaurant.context, restaurant.settings
    stored_keys = (await read_guests(context, settings, feed.rows)).keys()
    for key, (guest, row) in feed.rows.items():
        # Of whom nothing was held, an earlier run or webhook cannot have joined an older record.
        is_referenced = key in stored_keys and not (
            key in feed.created_keys and guest.is_active and is_first
        )
        needs_lookup = not is_first or guest.forgotten_at is not None
        if is_referenced or (
            needs_lookup and await find_reservations_of_guest(context, settings, key, limit=1)
        ):
            await sync_guest(restaurant, row)
    await fetch_missing_guests(restaurant, feed)


async def fetch_missing_guests(restaurant: RestaurantContext, feed: GuestFeed) -> None:
    """Fetch by id whom the feed did not bring: a returning diner has not changed lately.

    Raises:
        OpenTableError: When one could not be fetched.
        LedgerUnavailableError: When one could not be stored.
    """
    await gather_bounded(
        _MAX_CONCURRENT_FETCHES, partial(ensure_guest_stored, restaurant), feed.missing_guests
    )
    context, settings = restaurant.context, restaurant.settings
    link_events = [
        guest_link_event(
            reservation_key,
            build_external_key(guest_id, settings.rid),
            context.clock(),
            Channel.POLL,
        )
        for guest_id, reservation_keys in feed.missing_guests.items()
        for reservation_key in reservation_keys
    ]
    for result in await apply_events(open_ledger(context, settings), link_events):
        if isinstance(result, ServiceUnavailableError):
            raise result
