"""Store the simulated restaurants' reservations and guests in memory, behind one lock."""

import random
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from sandbox.clock import ClockFunction
from sandbox.models import SandboxGuest, SandboxReservation, SandboxRestaurant, new_key
from sandbox.sync_rows import ListOrder, format_opentable_local


@dataclass(slots=True)
class RestaurantData:
    """Rows and counters of one restaurant; ``version`` moves with every write."""

    restaurant: SandboxRestaurant
    reservations: dict[str, SandboxReservation] = field(default_factory=dict)
    guests: dict[str, SandboxGuest] = field(default_factory=dict)
    version: int = 0
    last_sequence_id: int = 0
    # Undocumented: whether guests and reservations share a counter.
    last_guest_sequence_id: int = 0
    last_confirmation_id: int = 1000

    def add_reservation(self, draft: SandboxReservation) -> SandboxReservation:
        """Give a confirmation number, unique in this restaurant only, and store the reservation."""
        self.last_confirmation_id += 1
        return self.store_next_version(replace(draft, confirmation_id=self.last_confirmation_id))

    def store_next_version(self, row: SandboxReservation) -> SandboxReservation:
        """Give the next ``sequence_id``, one counter per rid and one step per event, and store."""
        self.last_sequence_id += 1
        local = format_opentable_local(row.scheduled, self.restaurant.zone)
        return self.store_reservation(
            replace(row, sequence_id=self.last_sequence_id, scheduled_local=local)
        )

    def store_reservation(self, row: SandboxReservation) -> SandboxReservation:
        """Store a reservation that has its sequence number."""
        self.version += 1
        self.reservations[row.key] = row
        return row

    def store_guest(self, guest: SandboxGuest) -> SandboxGuest:
        """Number a guest by a counter of its own, and store it."""
        self.version += 1
        self.last_guest_sequence_id += 1
        self.guests[guest.key] = replace(guest, sequence_id=self.last_guest_sequence_id)
        return self.guests[guest.key]


ReservationListener = Callable[[SandboxReservation | None, SandboxReservation], None]


class SandboxStore:
    """Reservations and guests; a write increases version and sequence, and sets the timestamp."""

    def __init__(self, clock: ClockFunction, seed: int = 0) -> None:
        """Create an empty store.

        Args:
            clock: The source of all timestamps, aware.
            seed: Seed of the ids; the same seed gives the same ids.
        """
        self._clock = clock
        self._random = random.Random(seed)
        self._lock = RLock()
        self._data_by_rid: dict[int, RestaurantData] = {}
        self._listeners: list[ReservationListener] = []

    def now(self) -> datetime:
        """Return OpenTable's time in seconds, the precision of its timestamps."""
        # Two changes within a second are ordered by nothing but their `sequence_id`.
        return self._clock().replace(microsecond=0)

    def generate_key(self) -> str:
        """Return a new id without prefix: a UUID in either case, or 24 hex digits."""
        with self._lock:
            return new_key(self._random)

    def add_restaurant(self, restaurant: SandboxRestaurant) -> None:
        """Add a restaurant."""
        with self._lock:
            self._data_by_rid[restaurant.rid] = RestaurantData(restaurant)

    def add_listener(self, listener: ReservationListener) -> None:
        """Call ``listener`` with each reservation event, as (before or None, after)."""
        self._listeners.append(listener)

    def list_restaurants(self) -> list[SandboxRestaurant]:
        """Return the restaurants, in the order of their opening."""
        with self._lock:
            return [data.restaurant for data in self._data_by_rid.values()]

    def get_restaurant(self, rid: int) -> SandboxRestaurant:
        """Return one restaurant; raise KeyError for an unknown rid."""
        return self._data_by_rid[rid].restaurant

    def get_version(self, rid: int) -> int:
        """Return a number that every write to this restaurant increases."""
        return self._data_by_rid[rid].version

    def list_reservations(self, rid: int) -> tuple[SandboxReservation, ...]:
        """Return all reservations of ``rid``, cancelled ones too, in order of creation."""
        with self._lock:
            return tuple(self._data_by_rid[rid].reservations.values())

    def list_guests(self, rid: int) -> tuple[SandboxGuest, ...]:
        """Return all guests of ``rid``, archived and forgotten ones too."""
        with self._lock:
            return tuple(self._data_by_rid[rid].guests.values())

    def get_reservation(self, rid: int, key: str) -> SandboxReservation | None:
        """Return one reservation by its key without prefix."""
        with self._lock:
            return self._data_by_rid[rid].reservations.get(key)

    def get_guest(self, rid: int, key: str | None) -> SandboxGuest | None:
        """Return one guest by its key without prefix."""
        with self._lock:
            return self._data_by_rid[rid].guests.get(key) if key else None

    def add_reservation(self, draft: SandboxReservation) -> SandboxReservation:
        """Add a reservation with new numbers and timestamps, and call the listeners."""
        with self._lock:
            reservation = self._data_by_rid[draft.rid].add_reservation(draft)
        self._notify(None, reservation)
        return reservation

    def update_reservation(
        self, rid: int, key: str, edit: Callable[[SandboxReservation], SandboxReservation]
    ) -> SandboxReservation:
        """Replace a reservation by ``edit(reservation)``, and call the listeners.

        Raises:
            KeyError: There is no such reservation.
        """
        with self._lock:
            data = self._data_by_rid[rid]
            before = data.reservations[key]
            after = data.store_next_version(replace(edit(before), updated=self.now()))
        self._notify(before, after)
        return after

    def add_guest(self, draft: SandboxGuest) -> SandboxGuest:
        """Add a guest."""
        with self._lock:
            return self._data_by_rid[draft.rid].store_guest(draft)

    def update_guest(
        self, rid: int, key: str, edit: Callable[[SandboxGuest], SandboxGuest]
    ) -> SandboxGuest:
        """Replace a guest by ``edit(guest)``; raise KeyError for an unknown key."""
        with self._lock:
            data = self._data_by_rid[rid]
            return data.store_guest(replace(edit(data.guests[key]), updated=self.now()))

    def load_reservations(self, reservations: Iterable[SandboxReservation]) -> None:
        """Add many reservations with their own timestamps, without calling listeners."""
        with self._lock:
            # In the order of the last change, as if each had been written then.
            for draft in sorted(reservations, key=lambda row: (row.updated, row.key)):
                self._data_by_rid[draft.rid].add_reservation(draft)

    def _notify(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        # Outside the lock: a listener may post a webhook, and its receiver may call the
        # API at once.
        for listener in self._listeners:
            listener(before, after)


_MAX_CACHED_LISTS = 8


_Listed = TypeVar("_Listed", SandboxReservation, SandboxGuest)
_Filtered_contra = TypeVar("_Filtered_contra", contravariant=True)


class RowFilter(Hashable, Protocol[_Filtered_contra]):
    """A hashable filter of rows."""

    def matches(self, row: _Filtered_contra, /) -> bool:
        """Return whether the row matches."""


class ListCache(Generic[_Listed]):
    """Cache the latest sorted lists, so that paging sorts a list only once."""

    def __init__(self) -> None:
        # Not cachetools: a release imports the sandbox without installed packages.
        self._lists: OrderedDict[Hashable, list[_Listed]] = OrderedDict()

    def get_rows(
        self,
        scope: tuple[int, int],
        source: Callable[[], Iterable[_Listed]],
        row_filter: RowFilter[_Listed],
        order: ListOrder,
    ) -> list[_Listed]:
        """Return the matching rows in order.

        Args:
            scope: The rid and its version; another version is another list.
            source: Called only if the list is not cached.
        """
        cache_key = (scope, row_filter, order)
        if cache_key not in self._lists:
            # Keys break ties: rows with equal timestamps must not move between two pages.
            keys: dict[ListOrder, Callable[[_Listed], Any]] = {
                "updated": lambda row: (row.updated, row.key),
                "id": lambda row: row.key,
                "shuffled": lambda row: crc32(row.key.encode()),
                # The version is a part of the key, so every write shuffles the pages again.
                "unstable": lambda row: crc32(f"{scope[1]}{row.key}".encode()),
            }
            self._lists[cache_key] = sorted(filter(row_filter.matches, source()), key=keys[order])
        self._lists.move_to_end(cache_key)
        if len(self._lists) > _MAX_CACHED_LISTS:
            self._lists.popitem(last=False)
        return self._lists[cache_key]
