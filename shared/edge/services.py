"""What a process shares between requests: one client of each kind, made on first use."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from google.cloud.firestore import AsyncClient
from msgspec import Struct, field

from shared.core.settings import Settings
from shared.core.system import System
from shared.edge.directory import Directory
from shared.edge.environment import Environment, read_environment
from shared.edge.lately import Lately
from shared.edge.quarantine import Quarantine
from shared.edge.secrets import SecretManager, Secrets, SecretsFile, SecretSource
from shared.edge.tasks.queue import Queue, queue_of

if TYPE_CHECKING:
    from shared.edge.ledger import Ledger
    from shared.edge.opentable.client import OpenTableClient


class Services(Struct, frozen=True):
    """The clients and the clock that a request works with."""

    environment: Environment
    firestore: AsyncClient
    directory: Directory
    opentable_client: Callable[[], "OpenTableClient"]
    clock: Callable[[], datetime]
    queue: Queue | None = None
    lately: Lately = field(default_factory=Lately)

    @property
    def opentable(self) -> "OpenTableClient":
        """OpenTable's API; its client is made on first use."""
        return self.opentable_client()

    def ledger(self, settings: Settings, system: System = System.OPENTABLE) -> "Ledger":
        """Return a restaurant's ledger, of the reservations that one system made.

        Raises:
            InvalidSettingsError: When the settings are not usable.
        """
        # Imported on first use: most of the staff's calls change no reservation.
        from shared.edge.ledger import Ledger  # noqa: PLC0415

        life = timedelta(days=self.environment.journal_days)
        known = self.lately
        return Ledger(self.firestore, settings, self.clock, life, lately=known, system=system)

    def quarantine(self, restaurant_id: str) -> Quarantine:
        """Return a restaurant's quarantine."""
        life = timedelta(days=self.environment.quarantine_days)
        return Quarantine(self.firestore, restaurant_id, self.clock, life)


def make_services(environment: Environment) -> Services:
    """Make a process's clients.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    firestore = AsyncClient(project=environment.required_project())
    return Services(
        environment=environment,
        firestore=firestore,
        directory=Directory(
            firestore,
            Secrets(lambda: secret_source(environment), time.monotonic),
            environment.partner_secret,
            time.monotonic,
        ),
        opentable_client=cache(partial(_opentable_client, environment)),
        clock=utc_now,
        queue=queue_of(environment),
    )


def _opentable_client(environment: Environment) -> "OpenTableClient":
    # Imported on first use: few webhooks ask OpenTable anything, and few of the staff's calls.
    from shared.edge.opentable.client import OpenTableClient  # noqa: PLC0415
    from shared.edge.opentable.transport import new_session  # noqa: PLC0415

    workers = environment.restaurants_at_once
    return OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        new_session(workers),
        ThreadPoolExecutor(workers, thread_name_prefix="opentable"),
    )


def utc_now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def secret_source(environment: Environment) -> SecretSource:
    """Return where an environment's secrets are kept."""
    if environment.secrets_file:
        return SecretsFile(environment.secrets_file)
    return SecretManager(environment.required_project())


_made: dict[asyncio.AbstractEventLoop, Services] = {}


def services() -> Services:
    """Return this process's services; a server has one event loop, and so one set of clients.

    Raises:
        InvalidSettingsError: When the environment cannot be used.
    """
    loop = asyncio.get_running_loop()
    if loop not in _made:
        _made.clear()
        _made[loop] = make_services(read_environment(os.environ))
    return _made[loop]
