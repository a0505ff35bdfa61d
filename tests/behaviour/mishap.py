"""One call to Firestore goes wrong: refused before it is carried out, or its answer lost after."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from msgspec.structs import replace

from shared.edge.directory import RestaurantDirectory
from shared.edge.opentable.clock import SYSTEM_CLOCK
from tests.machine.mortal import Line, Mortal
from tests.world import World


class Mishap:
    """Befalls the call of one number.

    Args:
        error: What the caller gets to hear.
        at: The number of the call, or of the answer, from 0.
        lost: Whether it is the answer that is lost, the call being carried out.

    Attributes:
        happened: Whether there was such a call.
    """

    def __init__(self, error: type[Exception], at: int, *, lost: bool) -> None:
        self._error, self._at, self._lost = error, at, lost
        self._passed = 0
        self.happened = False

    def step(self) -> None:
        """Take a call on its way."""
        if not self._lost:
            self._befall()

    def hear(self) -> None:
        """Take an answer on its way."""
        if self._lost:
            self._befall()

    def _befall(self) -> None:
        self._passed += 1
        if self._passed - 1 == self._at:
            self.happened = True
            raise self._error("failed by the test")


@contextmanager
def befalling(world: World, mishap: Mishap) -> Iterator[None]:
    """Have a world's services call Firestore over a line that the mishap befalls."""
    services = world.services
    client = Line(services.firestore, cast("Mortal", mishap)).client
    directory = RestaurantDirectory(
        client, services.directory._credential_cache, None, SYSTEM_CLOCK.monotonic
    )
    world.services = replace(services, firestore=client, directory=directory)
    yield
    world.services = services
