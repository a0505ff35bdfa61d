"""OpenTable's book: the truth that the bundle has to equal, in memory behind one lock."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from threading import RLock

from dev.sandbox.clock import ClockFunction
from dev.sandbox.ids import new_key
from dev.sandbox.records import SandboxGuest, SandboxReservation, SandboxRestaurant
from dev.sandbox.shelf import RestaurantData

ReservationListener = Callable[[SandboxReservation | None, SandboxReservation], None]


class SandboxStore:
    """All restaurants' reservations and guests; every write bumps version, sequence and stamp."""

    def __init__(self, clock: ClockFunction, seed: int = 0) -> None:
        """Open an empty book.

        Args:
            clock: Aware time of OpenTable, from which every stamp is taken.
            seed: Seed of the ids, so that two runs give the same book.
        """
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - repeatable ids are wanted
        self._lock = RLock()
        self._data_by_rid: dict[int, RestaurantData] = {}
        self._listeners: list[ReservationListener] = []

    def now(self) -> datetime:
        """Return OpenTable's time, in whole seconds as its stamps are."""
        return self._clock().replace(microsecond=0)

    def generate_key(self) -> str:
        """Return a new id without prefix: a UUID in either case, or 24 hex digits."""
        with self._lock:
            return new_key(self._random)

    def add_restaurant(self, restaurant: SandboxRestaurant) -> None:
        """Take a restaurant into the book."""
        with self._lock:
            self._data_by_rid[restaurant.rid] = RestaurantData(restaurant)

    def add_listener(self, listener: ReservationListener) -> None:
        """Tell ``listener`` of each reservation event, as (before or None, after)."""
        self._listeners.append(listener)

    def list_restaurants(self) -> list[SandboxRestaurant]:
        """Return the restaurants, in the order of their opening."""
        with self._lock:
            return [data.restaurant for data in self._data_by_rid.values()]

    def get_restaurant(self, rid: int) -> SandboxRestaurant:
        """Return one restaurant; KeyError where the book does not hold it."""
        return self._data_by_rid[rid].restaurant

    def get_version(self, rid: int) -> int:
        """Return a number that changes with every write to this restaurant."""
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
        """Enter a new reservation, numbered and stamped; listeners hear of it."""
        with self._lock:
            data = self._data_by_rid[draft.rid]
            reservation = data.store_reservation(
                data.assign_sequence(draft, data.next_confirmation_id())
            )
        self._notify(None, reservation)
        return reservation

    def update_reservation(
        self, rid: int, key: str, edit: Callable[[SandboxReservation], SandboxReservation]
    ) -> SandboxReservation:
        """Replace a reservation by ``edit`` of it, stamped; listeners hear of it.

        Raises:
            KeyError: The book holds no such reservation.
        """
        with self._lock:
            data = self._data_by_rid[rid]
            before = data.reservations[key]
            after = data.store_reservation(
                data.assign_sequence(
                    replace(edit(before), updated=self.now()), before.confirmation_id
                )
            )
        self._notify(before, after)
        return after

    def add_guest(self, draft: SandboxGuest) -> SandboxGuest:
        """Enter a new guest."""
        with self._lock:
            return self._data_by_rid[draft.rid].store_guest(draft)

    def update_guest(
        self, rid: int, key: str, edit: Callable[[SandboxGuest], SandboxGuest]
    ) -> SandboxGuest:
        """Replace a guest by ``edit`` of it, stamped; KeyError where there is none."""
        with self._lock:
            data = self._data_by_rid[rid]
            return data.store_guest(replace(edit(data.guests[key]), updated=self.now()))

    def load_reservations(self, reservations: Iterable[SandboxReservation]) -> None:
        """Enter many reservations at once with the stamps they carry, telling nobody."""
        with self._lock:
            for draft in sorted(reservations, key=lambda row: (row.updated, row.key)):
                data = self._data_by_rid[draft.rid]
                data.store_reservation(data.assign_sequence(draft, data.next_confirmation_id()))

    def _notify(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        # Outside the lock: a listener may post, and the receiver may ask the book straight back.
        for listener in self._listeners:
            listener(before, after)
