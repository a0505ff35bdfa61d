"""What a process shares between requests: one client of each kind, made on first use.

One restaurant's connection to OpenTable, for one piece of work.
"""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from shared.config import Environment, read_environment
from shared.domain.settings import IntegrationSettings
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.repository import RecentReservationCache
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache, SecretStore, build_secret_store
from shared.tasks.queue import TaskQueue, build_task_queue

if TYPE_CHECKING:
    from shared.opentable.client import OpenTableClient
from shared.concurrency import Deadline
from shared.opentable.query import OpenTableAccess


class AppContext(Struct, frozen=True):
    """The clients and the clock that a request works with."""

    environment: Environment
    firestore: FirestoreClient
    directory: RestaurantDirectory
    secret_store: SecretStore
    opentable_client: Callable[[], "OpenTableClient"]
    clock: Callable[[], datetime]
    queue: TaskQueue | None = None
    recent_reservations: RecentReservationCache = field(default_factory=RecentReservationCache)

    @property
    def opentable(self) -> "OpenTableClient":
        """OpenTable's API; its client is made on first use."""
        return self.opentable_client()


def build_app_context(environment: Environment) -> AppContext:
    """Make a process's clients.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    firestore = FirestoreClient(environment.require_project(), environment.firestore_emulator)
    secret_store = build_secret_store(environment)
    return AppContext(
        environment=environment,
        firestore=firestore,
        directory=RestaurantDirectory(
            firestore,
            CredentialCache(secret_store.read, time.monotonic),
            environment.partner_secret,
            time.monotonic,
        ),
        secret_store=secret_store,
        opentable_client=cache(partial(_build_opentable_client, environment)),
        clock=utc_now,
        queue=build_task_queue(environment),
    )


def _build_opentable_client(environment: Environment) -> "OpenTableClient":
    # Imported on first use: few webhooks ask OpenTable anything, and few of the staff's calls.
    from shared.opentable.client import OpenTableClient  # noqa: PLC0415
    from shared.opentable.transport import build_session  # noqa: PLC0415

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


class RestaurantContext(Struct, frozen=True):
    """What it takes to ask OpenTable about a restaurant, and to write down what it answers.

    Attributes:
        context: The process's services.
        settings: The restaurant's, usable.
        access: Its API credential.
        deadline: Bounds the work.
    """

    context: AppContext
    settings: IntegrationSettings
    access: OpenTableAccess
    deadline: Deadline


async def load_restaurant_context(
    context: AppContext, settings: IntegrationSettings, deadline: Deadline
) -> RestaurantContext:
    """Return a restaurant's connection.

    Raises:
        InvalidSettingsError: When its settings or credentials must be mended first.
        LedgerUnavailableError: When its credentials cannot be read now.
    """
    settings.require_zone()
    rid, credentials = settings.require_rid(), await context.directory.load_credentials(settings)
    return RestaurantContext(context, settings, OpenTableAccess(rid, credentials), deadline)
