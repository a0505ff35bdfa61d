"""Keep the guests of stored reservations equal to OpenTable's guest records.

A poll reads the guest feed before the reservations, so that a new reservation is written once,
with its guest. A guest missing in both the feed and Firestore is fetched by id afterwards. Guests
without a stored reservation are not stored.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field

from shared.concurrency import gather_bounded
from shared.context import ConnectedRestaurant, RestaurantContext
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.ledger.guest_link import Guest, LinkedGuest
from shared.domain.normalization.identifiers import build_guest_key
from shared.domain.reconciliation.compare import ReservationFingerprint
from shared.guests.erasure import erase_guest
from shared.guests.failures import read_due_guest_failures, read_guest_failures
from shared.guests.fetch import (
    GuestFetcher,
    load_guest_fetcher,
    parse_or_quarantine_guest,
)
from shared.guests.repository import (
    follow_merges,
    is_guest_referenced,
    link_guests,
    propagate_guest,
    read_guests,
    save_guest,
    save_guests,
)
from shared.ledger.ledger import ApplyResult
from shared.ledger.queries import read_unlinked_guest_ids
from shared.opentable.query import ListingQuery, Resource

MAX_GUESTS_PER_RECONCILIATION = 500
MAX_GUESTS_PER_RETRY = 200
_MAX_CONCURRENT_QUERIES = 8
_MAX_CONCURRENT_SYNCS = 16


class GuestFeed(Struct):
    """The guests a run has read, and the ones it still has to fetch.

    Attributes:
        guests: The guests of the feed by key.
        saved_keys: Guests of the feed stored for this run's reservations.
        created_keys: The subset of `saved_keys` with no record before this run.
        missing_guests: For guests without a record, OpenTable's guest id to the keys of its
            reservations.
    """

    guests: dict[str, Guest] = field(default_factory=dict)
    saved_keys: set[str] = field(default_factory=set)
    created_keys: set[str] = field(default_factory=set)
    missing_guests: dict[str, list[str]] = field(default_factory=dict)

    def add_missing_guest(self, guest_id: str, reservation_key: str) -> None:
        """Note a guest to fetch and a reservation to link it to."""
        self.missing_guests.setdefault(guest_id, []).append(reservation_key)

    def add_from_result(self, applied: ApplyResult) -> None:
        """Note the guest of a written reservation if it has no record."""
        if applied.missing_guest_key is not None:
            self.add_missing_guest(applied.guest_id, applied.event.external_key)

    def resolve_merged_keys(self, keys: Iterable[str]) -> set[str]:
        """Return the keys found in the feed, and the survivors of their merges."""
        resolved_keys: set[str] = set()
        pending_keys = {key for key in keys if key in self.guests}
        while pending_keys:
            resolved_keys |= pending_keys
            survivors = {self.guests[key].survivor_key for key in pending_keys}
            pending_keys = {key for key in survivors if key in self.guests} - resolved_keys
        return resolved_keys


async def read_changed_guests(restaurant: ConnectedRestaurant, since: datetime | None) -> GuestFeed:
    """Read the guests changed since a time, or all of them on the first poll (None).

    Unreadable rows go to the quarantine.
    """
    feed = GuestFeed()
    if since is None:
        # Webhooks may have stored reservations with guests outside of this run's rows.
        unlinked = await read_unlinked_guest_ids(restaurant)
        for reservation_key, guest_id in unlinked.items():
            feed.add_missing_guest(guest_id, reservation_key)
    await _read_pages(restaurant, feed, since)
    return feed


async def read_all_guests(restaurant: ConnectedRestaurant) -> GuestFeed:
    """Read all guests, without a search for unlinked reservations in the ledger."""
    feed = GuestFeed()
    await _read_pages(restaurant, feed, None)
    return feed


async def _read_pages(
    restaurant: ConnectedRestaurant, feed: GuestFeed, since: datetime | None
) -> None:
    pages = restaurant.context.opentable.iterate_pages(
        restaurant.access, Resource.GUESTS, ListingQuery(updated_after=since), restaurant.deadline
    )
    async for page in pages:
        for row in page.rows:
            guest = await parse_or_quarantine_guest(restaurant, row)
            if guest is not None:
                feed.guests[guest.key] = guest


async def save_referenced_guests(
    restaurant: ConnectedRestaurant, feed: GuestFeed, events: Iterable[ReservationEvent]
) -> None:
    """Store the feed's guests of these reservations, before the reservations."""
    referenced_keys = {
        key for event in events if isinstance(key := event.fields.get("guestKey"), str)
    }
    new_keys = feed.resolve_merged_keys(referenced_keys) - feed.saved_keys
    guests = [feed.guests[key] for key in sorted(new_keys)]
    fetcher = GuestFetcher(restaurant, {})
    for guest in guests:
        if guest.forgotten_at is not None:
            # Not by `save_guests`: the erasure searches the quarantine for the names in the record
            # that the tombstone replaces.
            await _sync_guest(restaurant, guest, fetcher)
    feed.created_keys |= await save_guests(restaurant, guests)
    feed.saved_keys |= new_keys


async def sync_remaining_guests(
    restaurant: ConnectedRestaurant, feed: GuestFeed, *, is_first: bool
) -> None:
    """Store, propagate or erase the feed's other guests once the reservations are written.

    A first poll (`is_first`) has just read all coming reservations, so only a guest to be forgotten
    can still be referenced by an older one.
    """
    stored_keys = (await read_guests(restaurant, feed.guests)).keys()
    # One for all survivors: after some requests without an answer, the others wait for a later run.
    fetcher = GuestFetcher(restaurant, {})

    async def sync_if_referenced(guest: Guest) -> None:
        key = guest.key
        # A record created by this first run is linked everywhere already, in its only version.
        is_referenced = key in stored_keys and not (
            key in feed.created_keys and guest.is_active and is_first
        )
        needs_lookup = not is_first or guest.forgotten_at is not None
        if is_referenced or (needs_lookup and await is_guest_referenced(restaurant, key)):
            await _sync_guest(restaurant, guest, fetcher)

    # A backfill stores thousands of guests before the first poll: one at a time, they would take
    # longer than a run.
    active = [guest for guest in feed.guests.values() if guest.is_active]
    await gather_bounded(_MAX_CONCURRENT_SYNCS, sync_if_referenced, active)
    # Merged and forgotten guests change the reservations of others: one at a time, after these.
    for guest in feed.guests.values():
        if not guest.is_active:
            await sync_if_referenced(guest)
    await fetch_missing_guests(restaurant, feed)


async def _sync_guest(restaurant: ConnectedRestaurant, guest: Guest, fetcher: GuestFetcher) -> None:
    """Store a guest and update the reservations linked to it.

    Reservations of a merged guest are linked to the survivor, fetched if it is not stored. A
    forgotten guest is erased everywhere.
    """
    stored = await read_guests(restaurant, [guest.key])
    await save_guest(restaurant, guest)
    if guest.survivor_id is not None:
        await fetcher.fetch_all([guest.survivor_id])
    aliases = stored[guest.key].personal_identifiers if guest.key in stored else []
    await _update_reservations_of_guest(restaurant, guest.key, aliases=aliases)


async def _update_reservations_of_guest(
    restaurant: RestaurantContext,
    guest_key: str,
    *,
    aliases: Iterable[str] = (),
    damaged_keys: Collection[str] = (),
) -> None:
    """Link a stored guest to its reservations, or erase it from them if it is forgotten."""
    resolved = await follow_merges(restaurant, guest_key)
    if isinstance(resolved, LinkedGuest) and resolved.is_forgotten:
        await erase_guest(restaurant, guest_key, aliases, damaged_keys)
    else:
        await propagate_guest(restaurant, guest_key, damaged_keys)


async def fetch_missing_guests(
    restaurant: ConnectedRestaurant, feed: GuestFeed, limit: int | None = None
) -> None:
    """Fetch the feed's missing guests by id, at most `limit`, and link them to their reservations.

    The feed lists recently changed guests only, so a returning diner is usually not in it. A guest
    that cannot be fetched stops nothing: `GuestFetcher` stores the failure.
    """
    keys = {
        guest_id: key
        for guest_id in feed.missing_guests
        # The register of a damaged reservation may have an impossible id.
        if (key := build_guest_key(guest_id, restaurant.settings.rid)) is not None
    }
    fetcher = await load_guest_fetcher(restaurant, keys.values())
    # Limited after this selection: failing guests must not take the places of the others.
    due_ids = [guest_id for guest_id, key in keys.items() if fetcher.is_due(key)][:limit]
    await fetcher.fetch_all(due_ids)
    links = [
        (reservation_key, keys[guest_id])
        for guest_id in due_ids
        for reservation_key in feed.missing_guests[guest_id]
    ]
    await link_guests(restaurant, links, Channel.POLL)


async def retry_failed_guests(restaurant: ConnectedRestaurant) -> None:
    """Repeat the due requests and links of earlier runs.

    A guest stored already needs only the links to damaged reservations, so it is not requested.
    """
    due = await read_due_guest_failures(restaurant, MAX_GUESTS_PER_RETRY)
    if not due:
        return
    fetcher = await load_guest_fetcher(restaurant, [failure.key for failure in due])
    references = await gather_bounded(
        _MAX_CONCURRENT_QUERIES,
        lambda failure: is_guest_referenced(restaurant, failure.key, failure.damaged_keys),
        due,
    )
    needed = [failure for failure, is_needed in zip(due, references, strict=True) if is_needed]
    for failure in due:
        if failure not in needed:
            await fetcher.clear_failure(failure.key)
    stored = await read_guests(restaurant, [failure.key for failure in needed])
    await fetcher.fetch_all([failure.guest_id for failure in needed if failure.key not in stored])
    for failure in needed:
        key, damaged_keys = failure.key, failure.damaged_keys
        if key in stored:
            await _update_reservations_of_guest(restaurant, key, damaged_keys=damaged_keys)
            # A link that fails again replaces the stored failure.
            if (await read_guest_failures(restaurant, [key])).get(key) == failure:
                await fetcher.clear_failure(key)
        elif key not in fetcher.failures:
            await propagate_guest(restaurant, key, damaged_keys)
    await fetcher.store_summary()


async def fetch_guests_after_reconciliation(
    restaurant: ConnectedRestaurant,
    fingerprints: Mapping[str, ReservationFingerprint],
    applied: Iterable[ApplyResult],
) -> None:
    """Fetch the linked guests without a record, at most `MAX_GUESTS_PER_RECONCILIATION`.

    `fingerprints` are the reservations stored before the run, by external key, and `applied` the
    run's writes.
    """
    feed = GuestFeed()
    for key, fingerprint in fingerprints.items():
        if fingerprint.missing_guest_id is not None:
            feed.add_missing_guest(fingerprint.missing_guest_id, key)
    for result in applied:
        feed.add_from_result(result)
    await fetch_missing_guests(restaurant, feed, MAX_GUESTS_PER_RECONCILIATION)
