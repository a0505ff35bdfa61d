"""What all runs of the machine share: a loop, a connection, an emulator."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient

from dev.local.emulator import Emulator
from shared.firestore.raw_client import FirestoreClient
from tests.support.firestore import make_client

T = TypeVar("T")
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class MachineEnvironment:
    """What every run of the machine shares.

    Attributes:
        loop: Where the workers run; the machine itself is in another thread.
        connection: The connection to the emulator.
        emulator: The emulator.
    """

    loop: asyncio.AbstractEventLoop
    connection: FirestoreAsyncClient
    emulator: Emulator

    def new_client(self) -> FirestoreClient:
        """Return a client of a project that nobody has used."""
        return make_client(f"machine-{uuid.uuid4().hex[:16]}", self.connection)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what work on the loop returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_TIMEOUT_SECONDS)
