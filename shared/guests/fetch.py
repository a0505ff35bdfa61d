"""Fetch single guests by id, and store the failures, so that later runs try again."""

from collections.abc import Awaitable, Callable, Iterable

from shared.concurrency import gather_bounded
from shared.context import ConnectedRestaurant
from shared.domain.ledger.guest_link import MAX_MERGES, Guest
from shared.domain.normalization.identifiers import build_guest_key
from shared.domain.normalization.opentable_guest import parse_opentable_guest
from shared.errors import InvalidEventError, OpenTableError, OpenTableItemNotRequestedError
from shared.guests.erasure import erase_guest
from shared.guests.failures import (
    GuestFailure,
    clear_guest_failure,
    new_guest_failure,
    read_guest_failures,
    store_guest_failure,
    update_guest_failure_summary,
)
from shared.guests.repository import read_guests, save_guest
from shared.ingest.events import JSON_MEDIA_TYPE, encode_canonical_json
from shared.opentable.query import ItemReader, OpenTableRow, Resource
from shared.quarantine.store import quarantine_event

_MAX_CONCURRENT_FETCHES = 8


class _GuestNotFetchedError(Exception):
    """A guest cannot be fetched now; a later run requests it."""


class GuestFetcher:
    """Fetches guests by id for one run; a failed request is stored, and a later run repeats it.

    Attributes:
        failures: The stored failures that this run has read or made, by the guest's key.
    """

    def __init__(self, restaurant: ConnectedRestaurant, failures: dict[str, GuestFailure]) -> None:
        self.failures = failures
        self._restaurant = restaurant
        self._reader = ItemReader(
            restaurant.context.opentable, restaurant.access, restaurant.deadline
        )
        self._has_changed = False

    def is_due(self, key: str) -> bool:
        """Return whether a guest may be requested now."""
        failure = self.failures.get(key)
        return failure is None or failure.is_due(self._restaurant.context.clock())

    async def fetch_all(self, guest_ids: Iterable[str]) -> None:
        """Fetch and store guests as far as possible, and count the failing ones."""

        async def fetch(guest_id: str) -> None:
            try:
                await ensure_guest_stored(self._restaurant, guest_id, self._request)
            except _GuestNotFetchedError:
                return
            # Also if another run stored the guest: the failure is over.
            key = build_guest_key(guest_id, self._restaurant.settings.rid)
            if key is not None and key in self.failures:
                await self.clear_failure(key)

        await gather_bounded(_MAX_CONCURRENT_FETCHES, fetch, guest_ids)
        await self.store_summary()

    async def store_summary(self) -> None:
        """Count the failing guests, if a failure was stored or deleted since the last count."""
        if self._has_changed:
            self._has_changed = False
            await update_guest_failure_summary(self._restaurant)

    async def clear_failure(self, key: str) -> None:
        """Delete the failure of a guest."""
        self._has_changed = True
        await clear_guest_failure(self._restaurant, key)
        del self.failures[key]

    async def _request(self, guest_id: str, key: str) -> OpenTableRow | None:
        if key not in self.failures:
            # The survivor of a merge: its key was not known before.
            self.failures |= await read_guest_failures(self._restaurant, [key])
        if not self.is_due(key):
            raise _GuestNotFetchedError
        row = await self._reader.read(Resource.GUESTS, guest_id)
        if isinstance(row, OpenTableItemNotRequestedError):
            raise _GuestNotFetchedError
        if isinstance(row, OpenTableError):
            now = self._restaurant.context.clock()
            failure = new_guest_failure(self.failures.get(key), key, guest_id, str(row), now)
            self.failures[key] = failure
            await store_guest_failure(self._restaurant, failure)
            self._has_changed = True
            raise _GuestNotFetchedError
        return row


async def load_guest_fetcher(restaurant: ConnectedRestaurant, keys: Iterable[str]) -> GuestFetcher:
    """Return a fetcher with the stored failures of some guests."""
    failures = await read_guest_failures(restaurant, keys)
    return GuestFetcher(restaurant, failures)


async def ensure_guest_stored(
    restaurant: ConnectedRestaurant,
    guest_id: str,
    request: Callable[[str, str], Awaitable[OpenTableRow | None]],
) -> None:
    """Fetch and store a guest and the survivors of its merges, as far as they are not stored.

    A guest unknown to OpenTable, or in an invalid row, is stored without details, so that later
    runs do not request it again. A forgotten guest is erased.

    `request` gets a guest's id, as OpenTable writes it, and its key. An error that it raises is
    raised here.
    """
    access_slots = restaurant.context.guest_access_slots
    pending_id: str | None = guest_id
    for _ in range(MAX_MERGES):  # ends at circular merges
        key = pending_id and build_guest_key(pending_id, restaurant.settings.rid)
        if not pending_id or not key:
            return
        async with access_slots:
            guest = (await read_guests(restaurant, [key])).get(key)
        if guest is None:
            # Without a slot: a slow OpenTable must not stop the guests of other restaurants.
            row = await request(pending_id, key)
            async with access_slots:
                parsed = None if row is None else await parse_or_quarantine_guest(restaurant, row)
                guest = parsed or Guest(key)
                await save_guest(restaurant, guest)
                if guest.forgotten_at is not None:
                    await erase_guest(restaurant, key)
        pending_id = guest.survivor_id


async def parse_or_quarantine_guest(
    restaurant: ConnectedRestaurant, row: OpenTableRow
) -> Guest | None:
    """Parse one of OpenTable's guests; quarantine an invalid row and return None."""
    context, settings = restaurant.context, restaurant.settings
    try:
        return parse_opentable_guest(
            row,
            rid=settings.require_rid(),
            country=settings.country,
            now=context.clock(),
            max_text_bytes=context.environment.max_text_bytes,
        )
    except InvalidEventError as rejection:
        text = encode_canonical_json(row)
        await quarantine_event(restaurant, text, JSON_MEDIA_TYPE, rejection)
        return None
