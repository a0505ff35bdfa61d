"""Fail one call of Firestore: refuse it, or lose its response after it was carried out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from msgspec.structs import replace

from shared.concurrency import SYSTEM_CLOCK
from shared.firestore.raw_client import FirestoreClient
from shared.restaurants.directory import RestaurantDirectory
from tests.stateful.faults import FaultyFirestore, WorkerFaults
from tests.support.world import World


class CallFailure:
    """Fail one Firestore call by its number, or lose its response.

    Args:
        error: The exception for the caller.
        at: The number of the call or response, from 0.
        lose_response: Execute the call, but raise instead of returning its response.
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
    """Inject a failure into the Firestore calls of a world's context."""
    faulty = FaultyFirestore(world.context.firestore, cast("WorkerFaults", failure))
    with use_firestore(world, faulty.client):
        yield


@contextmanager
def use_firestore(world: World, client: FirestoreClient) -> Iterator[None]:
    """Have a world's services call Firestore by another client."""
    context = world.context
    directory = RestaurantDirectory(
        client, context.directory._credential_cache, None, SYSTEM_CLOCK.monotonic
    )
    world.context = replace(context, firestore=client, directory=directory)
    yield
    world.context = context
