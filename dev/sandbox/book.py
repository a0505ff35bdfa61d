"""OpenTable's book: the truth that the bundle has to equal, in memory behind one lock."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from threading import RLock

from dev.sandbox.clock import Clock
from dev.sandbox.ids import new_key
from dev.sandbox.records import Guest, Reservation, Restaurant
from dev.sandbox.shelf import Shelf

Listener = Callable[[Reservation | None, Reservation], None]


class Book:
    """All restaurants' reservations and guests; every write bumps version, sequence and stamp."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        """Open an empty book.

        Args:
            clock: Aware time of OpenTable, from which every stamp is taken.
            seed: Seed of the ids, so that two runs give the same book.
        """
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - repeatable ids are wanted
        self._lock = RLock()
        self._shelves: dict[int, Shelf] = {}
        self._listeners: list[Listener] = []

    def now(self) -> datetime:
        """Return OpenTable's time, in whole seconds as its stamps are."""
        return self._clock().replace(microsecond=0)

    def key(self) -> str:
        """Return a new id without prefix: a UUID in either case, or 24 hex digits."""
        with self._lock:
            return new_key(self._random)

    def open(self, restaurant: Restaurant) -> None:
        """Take a restaurant into the book."""
        with self._lock:
            self._shelves[restaurant.rid] = Shelf(restaurant)

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of each reservation event, as (before or None, after)."""
        self._listeners.append(listener)

    def restaurants(self) -> list[Restaurant]:
        """Return the restaurants, in the order of their opening."""
        with self._lock:
            return [shelf.restaurant for shelf in self._shelves.values()]

    def restaurant(self, rid: int) -> Restaurant:
        """Return one restaurant; KeyError where the book does not hold it."""
        return self._shelves[rid].restaurant

    def version(self, rid: int) -> int:
        """Return a number that changes with every write to this restaurant."""
        return self._shelves[rid].version

    def reservations(self, rid: int) -> tuple[Reservation, ...]:
        """Return all reservations of ``rid``, cancelled ones too, in order of creation."""
        with self._lock:
            return tuple(self._shelves[rid].reservations.values())

    def guests(self, rid: int) -> tuple[Guest, ...]:
        """Return all guests of ``rid``, archived and forgotten ones too."""
        with self._lock:
            return tuple(self._shelves[rid].guests.values())

    def reservation(self, rid: int, key: str) -> Reservation | None:
        """Return one reservation by its key without prefix."""
        with self._lock:
            return self._shelves[rid].reservations.get(key)

    def guest(self, rid: int, key: str | None) -> Guest | None:
        """Return one guest by its key without prefix."""
        with self._lock:
            return self._shelves[rid].guests.get(key) if key else None

    def add(self, draft: Reservation) -> Reservation:
        """Enter a new reservation, numbered and stamped; listeners hear of it."""
        with self._lock:
            shelf = self._shelves[draft.rid]
            added = shelf.put(shelf.stamp(draft, shelf.next_number()))
        self._tell(None, added)
        return added

    def change(self, rid: int, key: str, edit: Callable[[Reservation], Reservation]) -> Reservation:
        """Replace a reservation by ``edit`` of it, stamped; listeners hear of it.

        Raises:
            KeyError: The book holds no such reservation.
        """
        with self._lock:
            shelf = self._shelves[rid]
            before = shelf.reservations[key]
            after = shelf.put(
                shelf.stamp(replace(edit(before), updated=self.now()), before.confirmation_id)
            )
        self._tell(before, after)
        return after

    def add_guest(self, draft: Guest) -> Guest:
        """Enter a new guest."""
        with self._lock:
            return self._shelves[draft.rid].put_guest(draft)

    def change_guest(self, rid: int, key: str, edit: Callable[[Guest], Guest]) -> Guest:
        """Replace a guest by ``edit`` of it, stamped; KeyError where there is none."""
        with self._lock:
            shelf = self._shelves[rid]
            return shelf.put_guest(replace(edit(shelf.guests[key]), updated=self.now()))

    def load(self, reservations: Iterable[Reservation]) -> None:
        """Enter many reservations at once with the stamps they carry, telling nobody."""
        with self._lock:
            for draft in sorted(reservations, key=lambda row: (row.updated, row.key)):
                shelf = self._shelves[draft.rid]
                shelf.put(shelf.stamp(draft, shelf.next_number()))

    def _tell(self, before: Reservation | None, after: Reservation) -> None:
        # Outside the lock: a listener may post, and the receiver may ask the book straight back.
        for listener in self._listeners:
            listener(before, after)
