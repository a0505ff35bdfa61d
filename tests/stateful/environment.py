"""The event loop, connection and emulator of all state machine runs."""

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
    """The shared environment; the workers run in `loop`, the machine in another thread."""

    loop: asyncio.AbstractEventLoop
    connection: FirestoreAsyncClient
    emulator: Emulator

    def new_client(self) -> FirestoreClient:
        """Return a client of a new project."""
        return make_client(f"machine-{uuid.uuid4().hex[:16]}", self.connection)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_TIMEOUT_SECONDS)
