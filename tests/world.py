"""A restaurant with a book at the sandbox and a ledger in the emulator, under one clock."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.cloud.firestore import AsyncClient

from dev.sandbox.adapter import SandboxAdapter
from dev.sandbox.answers import Sandbox
from dev.sandbox.book import Book
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import Desk
from dev.sandbox.records import Restaurant as SandboxRestaurant
from dev.sandbox.tokens import Partner
from shared.core.settings import Settings, settings_from
from shared.edge import paths
from shared.edge.directory import Directory
from shared.edge.environment import read_environment
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import SYSTEM_CLOCK, Clock
from shared.edge.opentable.transport import new_session
from shared.edge.polling import poll_restaurant
from shared.edge.reconciling import Wanted, reconcile_restaurant
from shared.edge.secrets import Secrets
from shared.edge.services import Services
from tests.restaurants import Restaurant, new_restaurant, seed

BEGINNING = datetime(2026, 3, 14, 15, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
_CREDENTIALS = '{"clientId": "me", "clientSecret": "hush", "bearerTokens": ["proof"]}'


@dataclass(slots=True)
class _OneSecret:
    """A source of secrets that gives every restaurant the same credentials."""

    async def read(self, secret_id: str) -> str:
        assert secret_id
        return _CREDENTIALS


@dataclass(slots=True)
class World:
    """Both sides of one restaurant."""

    services: Services
    sandbox: Sandbox
    clock: ManualClock
    restaurant: Restaurant
    executor: ThreadPoolExecutor = field(repr=False)

    @property
    def desk(self) -> Desk:
        """Changes OpenTable's book."""
        return Desk(self.sandbox.book, int(self.restaurant.rid))

    def settings(self) -> Settings:
        """Return the restaurant's settings as seeded."""
        return settings_from(self.restaurant.id, self.restaurant.document())

    async def poll(self) -> dict[str, Any]:
        """Run one poll."""
        return await poll_restaurant(self.services, self.restaurant.id)

    async def reconcile(self, **wanted: Any) -> dict[str, Any]:
        """Run one reconciliation and return the stored report."""
        answer = await reconcile_restaurant(self.services, Wanted(**wanted), self.restaurant.id)
        reports = paths.reports(self.services.firestore, self.restaurant.id)
        report = (await reports.document(answer["reportId"]).get()).to_dict()
        assert report is not None
        return report

    async def ledger(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's documents by external key."""
        documents = paths.reservations(self.services.firestore, self.restaurant.id).stream()
        return {
            document["source"]["externalReservationId"]: document
            async for snapshot in documents
            if (document := snapshot.to_dict())
        }

    def book(self) -> dict[str, Any]:
        """Return OpenTable's reservations by external key."""
        rid = int(self.restaurant.rid)
        return {_key(item.key): item for item in self.sandbox.book.reservations(rid)}


def _key(key: str) -> str:
    return key.lower()


async def make_world(firestore: AsyncClient, **settings: Any) -> World:
    """Open a restaurant on both sides; the book is empty, and the ledger too."""
    clock = ManualClock(BEGINNING)
    restaurant = new_restaurant()
    book = Book(clock)
    book.open(SandboxRestaurant(int(restaurant.rid), "Demo", NEW_YORK))
    sandbox = Sandbox(book, [Partner("me", "hush", "gold", {int(restaurant.rid)})])
    executor = ThreadPoolExecutor(4)
    session = new_session(4)
    session.mount("https://", SandboxAdapter(sandbox))
    environment = read_environment({"GOOGLE_CLOUD_PROJECT": firestore.project})
    services = Services(
        environment=environment,
        firestore=firestore,
        directory=Directory(
            firestore, Secrets(_OneSecret, SYSTEM_CLOCK.monotonic), None, SYSTEM_CLOCK.monotonic
        ),
        opentable=OpenTableClient(
            environment.api_url,
            environment.oauth_url,
            session,
            executor,
            Clock(SYSTEM_CLOCK.monotonic, clock),
        ),
        clock=clock,
    )
    await seed(firestore, restaurant, webhookAuth=["bearer"], **settings)
    return World(services, sandbox, clock, restaurant, executor)
