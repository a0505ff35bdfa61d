"""Reservations that OpenTable's answer lacks, though nobody cancelled them."""

from typing import Any

from tests.world import World


class HiddenReservations:
    """Takes reservations out of OpenTable's book for a while, as no OpenTable should.

    Args:
        world: Whose book.
        keys: Which reservations.
    """

    def __init__(self, world: World, *keys: str) -> None:
        self._shelf = world.sandbox.store._data_by_rid[int(world.restaurant.rid)]
        self._keys = keys
        self._hidden: dict[str, Any] = {}

    def __enter__(self) -> None:
        for key in self._keys:
            self._hidden[key] = self._shelf.reservations.pop(key)
        self._shelf.version += 1

    def __exit__(self, *_: object) -> None:
        self._shelf.reservations.update(self._hidden)
        self._shelf.version += 1
