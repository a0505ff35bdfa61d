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

from shared.core.settings import IntegrationSettings
from shared.core.system import ReservationSystem
from shared.edge.directory import RestaurantDirectory
from shared.edge.environment import Environment, read_environment
from shared.edge.lately import RecentReservationCache
from shared.edge.quarantine import QuarantineStore
from shared.edge.secrets import (
    CredentialCache,
    SecretManagerSource,
    SecretsFileSource,
    SecretSource,
)
from shared.edge.tasks.queue import TaskQueue, build_task_queue

if TYPE_CHECKING:
    from shared.edge.ledger import Ledger
    from shared.edge.opentable.client import OpenTableClient


class AppContext(Struct, frozen=True):
    """The clients and the clock that a request works with."""

    environment: Environment
    firestore: AsyncClient
    directory: RestaurantDirectory
    opentable_client: Callable[[], "OpenTableClient"]
    clock: Callable[[], datetime]
    queue: TaskQueue | None = None
    recent_reservations: RecentReservationCache = field(default_factory=RecentReservationCache)

    @property
    def opentable(self) -> "OpenTableClient":
        """OpenTable's API; its client is made on first use."""
        return self.opentable_client()

    def ledger(
        self, settings: IntegrationSettings, system: ReservationSystem = ReservationSystem.OPENTABLE
    ) -> "Ledger":
        """Return a restaurant's ledger, of the reservations that one system made.

        Raises:
            InvalidSettingsError: When the settings are not usable.
        """
        # Imported on first use: most of the staff's calls change no reservation.
        from shared.edge.ledger import Ledger  # noqa: PLC0415

        retention = timedelta(days=self.environment.journal_retention_days)
        recent_reservations = self.recent_reservations
        return Ledger(
            self.firestore,
            settings,
            self.clock,
            retention,
            recent_reservations=recent_reservations,
            system=system,
        )

    def quarantine(self, restaurant_id: str) -> QuarantineStore:
        """Return a restaurant's quarantine."""
        retention = timedelta(days=self.environment.quarantine_retention_days)
        return QuarantineStore(self.firestore, restaurant_id, self.clock, retention)


def build_app_context(environment: Environment) -> AppContext:
    """Make a process's clients.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    firestore = AsyncClient(project=environment.require_project())
    return AppContext(
        environment=environment,
        firestore=firestore,
        directory=RestaurantDirectory(
            firestore,
            CredentialCache(lambda: build_secret_source(environment), time.monotonic),
            environment.partner_secret,
            time.monotonic,
        ),
        opentable_client=cache(partial(_build_opentable_client, environment)),
        clock=utc_now,
        queue=build_task_queue(environment),
    )


def _build_opentable_client(environment: Environment) -> "OpenTableClient":
    # Imported on first use: few webhooks ask OpenTable anything, and few of the staff's calls.
    from shared.edge.opentable.client import OpenTableClient  # noqa: PLC0415
    from shared.edge.opentable.transport import build_session  # noqa: PLC0415

    worker_count = environment.max_concurrent_restaurants
    return OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        build_session(worker_count),
        ThreadPoolExecutor(worker_count, thread_name_prefix="opentable"),
    )


def utc_now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def build_secret_source(environment: Environment) -> SecretSource:
    """Return where an environment's secrets are kept."""
    if environment.secrets_file:
        return SecretsFileSource(environment.secrets_file)
    return SecretManagerSource(environment.require_project())


_contexts_by_loop: dict[asyncio.AbstractEventLoop, AppContext] = {}


def get_app_context() -> AppContext:
    """Return this process's services; a server has one event loop, and so one set of clients.

    Raises:
        InvalidSettingsError: When the environment cannot be used.
    """
    loop = asyncio.get_running_loop()
    if loop not in _contexts_by_loop:
        _contexts_by_loop.clear()
        _contexts_by_loop[loop] = build_app_context(read_environment(os.environ))
    return _contexts_by_loop[loop]
