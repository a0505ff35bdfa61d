"""What all runs of the machine share: a loop, a connection, an emulator."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from google.cloud.firestore import AsyncClient

from dev.local.emulator import Emulator

T = TypeVar("T")
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class MachineEnvironment:
    """What every run of the machine shares.

    Attributes:
        loop: Where the workers run; the machine itself is in another thread.
        connection: A client whose connection to the emulator is used.
        emulator: The emulator.
    """

    loop: asyncio.AbstractEventLoop
    connection: AsyncClient
    emulator: Emulator

    def new_client(self) -> AsyncClient:
        """Return a client of a project that nobody has used."""
        client = AsyncClient(project=f"machine-{uuid.uuid4().hex[:16]}")
        client._firestore_api_internal = self.connection._firestore_api
        return client

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what work on the loop returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_TIMEOUT_SECONDS)
