"""One call to Firestore goes wrong: refused before it is carried out, or its answer lost after."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from msgspec.structs import replace

from shared.concurrency import SYSTEM_CLOCK
from shared.restaurants.directory import RestaurantDirectory
from tests.stateful.faults import FaultyFirestore, WorkerFaults
from tests.support.world import World


class CallFailure:
    """Befalls the call of one number.

    Args:
        error: What the caller gets to hear.
        at: The number of the call, or of the answer, from 0.
        lose_response: Whether it is the answer that is lost, the call being carried out.

    Attributes:
        happened: Whether there was such a call.
    """

    def __init__(self, error: type[Exception], at: int, *, lose_response: bool) -> None:
        self._error, self._at, self._lose_response = error, at, lose_response
        self._passed = 0
        self.happened = False

    def step(self) -> None:
        """Take a call on its way."""
        if not self._lose_response:
            self._fail_if_due()

    def receive(self) -> None:
        """Take an answer on its way."""
        if self._lose_response:
            self._fail_if_due()

    def _fail_if_due(self) -> None:
        self._passed += 1
        if self._passed - 1 == self._at:
            self.happened = True
            raise self._error("failed by the test")


@contextmanager
def fail_firestore_call(world: World, failure: CallFailure) -> Iterator[None]:
    """Have a world's services call Firestore over a line that the mishap befalls."""
    services = world.services
    client = FaultyFirestore(services.firestore, cast("WorkerFaults", failure)).client
    directory = RestaurantDirectory(
        client, services.directory._credential_cache, None, SYSTEM_CLOCK.monotonic
    )
    world.services = replace(services, firestore=client, directory=directory)
    yield
    world.services = services
