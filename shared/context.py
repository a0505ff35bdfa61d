"""What requests share: the clients of the process, and the settings of one restaurant."""

import asyncio
import os
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from cachetools import LRUCache
from msgspec import Struct, field

from shared.concurrency import SYSTEM_CLOCK, Deadline
from shared.config import Environment, read_environment
from shared.domain.health import RefusalWindow
from shared.domain.settings import IntegrationSettings
from shared.firestore.raw_client import FirestoreClient
from shared.opentable.query import OpenTableAccess
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache, SecretStore, build_secret_store
from shared.tasks.queue import TaskQueue, build_task_queue

if TYPE_CHECKING:
    from shared.domain.days import DayVersions, ServiceDay
    from shared.opentable.client import OpenTableClient

_MAX_RECENT_RESERVATIONS = 10_000
_MAX_WATCHED_DAYS = 200
MAX_CONCURRENT_GUEST_ACCESSES = 16


class AppContext(Struct, frozen=True):
    """The clients and the clock of a process.

    Attributes:
        get_opentable_client: Builds the client at its first call.
        recent_reservations: Restaurant ids and external keys of reservations that this process
            wrote. It is only a hint: it saves round trips.
        refusal_windows: Restaurant ids to the refused webhooks that are not yet stored.
        day_versions: Restaurant ids and days to the documents of the days requested last.
        background_tasks: Work that goes on after its request was answered.
        guest_access_slots: Limits how many guests all runs read and write at the same time. On a
            busier event loop the time limits of their Firestore calls would expire.
    """

    environment: Environment
    firestore: FirestoreClient
    directory: RestaurantDirectory
    secret_store: SecretStore
    get_opentable_client: Callable[[], "OpenTableClient"]
    clock: Callable[[], datetime]
    queue: TaskQueue | None = None
    recent_reservations: MutableMapping[tuple[str, str], bool] = field(
        default_factory=lambda: LRUCache(_MAX_RECENT_RESERVATIONS)
    )
    refusal_windows: dict[str | None, RefusalWindow] = field(default_factory=dict)
    day_versions: MutableMapping[tuple[str, "ServiceDay"], "DayVersions"] = field(
        default_factory=lambda: LRUCache(_MAX_WATCHED_DAYS)
    )
    background_tasks: set[asyncio.Task[None]] = field(default_factory=set)
    guest_access_slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_GUEST_ACCESSES)
    )

    @property
    def opentable(self) -> "OpenTableClient":
        """The client of OpenTable's API."""
        return self.get_opentable_client()


class RestaurantContext(Struct, frozen=True):
    """The clients of the process, and a restaurant's settings."""

    context: AppContext
    settings: IntegrationSettings

    @property
    def id(self) -> str:
        """Lineup's id of the restaurant."""
        return self.settings.restaurant_id

    @property
    def firestore(self) -> FirestoreClient:
        """The client of Firestore."""
        return self.context.firestore


class ConnectedRestaurant(RestaurantContext, frozen=True):
    """A restaurant with access to OpenTable's API, for work with a deadline."""

    access: OpenTableAccess
    deadline: Deadline


async def connect_restaurant(
    restaurant: RestaurantContext, deadline: Deadline
) -> ConnectedRestaurant:
    """Load a restaurant's API credentials.

    Raises:
        InvalidSettingsError: The settings or the credentials cannot be used.
    """
    context, settings = restaurant.context, restaurant.settings
    settings.require_zone()
    rid, credentials = settings.require_rid(), await context.directory.load_credentials(settings)
    return ConnectedRestaurant(context, settings, OpenTableAccess(rid, credentials), deadline)


def get_app_context() -> AppContext:
    """Return the context of this process.

    It belongs to an event loop, as gRPC's connections do. A server has one; tests have several.
    """
    loop = asyncio.get_running_loop()
    if loop not in _contexts_by_loop:
        _contexts_by_loop.clear()
        _contexts_by_loop[loop] = build_app_context(read_environment(os.environ))
    return _contexts_by_loop[loop]


_contexts_by_loop: dict[asyncio.AbstractEventLoop, AppContext] = {}


def build_app_context(environment: Environment) -> AppContext:
    """Build the clients of a process."""

    @cache
    def get_opentable_client() -> "OpenTableClient":
        # Imported on first use: most webhooks and calls of the API need no data from OpenTable.
        from shared.opentable import client, transport  # noqa: PLC0415 -- slow, see above

        worker_count = environment.max_concurrent_restaurants
        return client.OpenTableClient(
            environment.api_url,
            environment.oauth_url,
            transport.build_session(worker_count),
            ThreadPoolExecutor(worker_count, thread_name_prefix="opentable"),
        )

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
        get_opentable_client=get_opentable_client,
        clock=SYSTEM_CLOCK.now,
        queue=build_task_queue(environment),
    )
