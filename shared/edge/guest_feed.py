"""The guests' part of a poll: only those that a held reservation names are kept.

The feed is read before the reservations, so that a new reservation is written once, with its
guest; whom neither the feed nor the ledger knows is fetched by id afterwards.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from shared.core.change import Channel, ReservationEvent
from shared.core.guest import Guest
from shared.core.keys import build_external_key
from shared.edge.batches import apply_events
from shared.edge.connection import RestaurantContext
from shared.edge.guests import (
    find_reservations_of_guest,
    guest_link_event,
    read_guests,
    save_guests,
)
from shared.edge.holdings import read_unlinked_guest_ids
from shared.edge.intake import JSON_MEDIA_TYPE, encode_canonical_json
from shared.edge.keeping import quarantine_event
from shared.edge.learning import ensure_guest_stored, parse_guest_row, sync_guest
from shared.edge.ledger import ApplyResult
from shared.edge.opentable.query import ListingQuery, Resource
from shared.errors import InvalidEventError, ServiceUnavailableError

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
    semaphore = asyncio.Semaphore(_MAX_CONCURRENT_FETCHES)

    async def fetch(guest_id: str) -> None:
        async with semaphore:
            await ensure_guest_stored(restaurant, guest_id)

    await asyncio.gather(*map(fetch, feed.missing_guests))
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
    for result in await apply_events(context.ledger(settings), link_events):
        if isinstance(result, ServiceUnavailableError):
            raise result
