"""A restaurant with a book at the sandbox and a ledger in the emulator, under one clock."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.cloud.firestore import AsyncClient, FieldFilter
from msgspec import Struct

from dev.sandbox.adapter import SandboxAdapter
from dev.sandbox.answers import OpenTableApi
from dev.sandbox.book import SandboxStore
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.records import SandboxRestaurant
from dev.sandbox.tokens import Partner
from shared.core.body import WebhookFormat
from shared.core.change import Channel
from shared.core.settings import IntegrationSettings, parse_settings
from shared.edge import paths
from shared.edge.directory import RestaurantDirectory
from shared.edge.environment import read_environment
from shared.edge.intake import IncomingEvent, QuarantineResult, ingest_event
from shared.edge.ledger import ApplyResult
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import SYSTEM_CLOCK, Clock
from shared.edge.opentable.transport import build_session
from shared.edge.polling import poll_restaurant
from shared.edge.reconciling import ReconciliationRequest, reconcile_restaurant
from shared.edge.secrets import CredentialCache
from shared.edge.services import AppContext
from tests.restaurants import Restaurant, new_restaurant, seed

OPENTABLE_RESERVATIONS = FieldFilter("source.system", "==", "OPENTABLE")
START_TIME = datetime(2026, 3, 14, 15, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
_CREDENTIALS = '{"clientId": "me", "clientSecret": "hush", "bearerTokens": ["proof"]}'


@dataclass(slots=True)
class _SharedSecretSource:
    """A source of secrets that gives every restaurant the same credentials."""

    async def read(self, secret_id: str) -> str:
        assert secret_id
        return _CREDENTIALS


class World(Struct):
    """Both sides of one restaurant."""

    services: AppContext
    sandbox: OpenTableApi
    clock: ManualClock
    restaurant: Restaurant
    executor: ThreadPoolExecutor

    @property
    def desk(self) -> ReservationActions:
        """Changes OpenTable's book."""
        return ReservationActions(self.sandbox.store, int(self.restaurant.rid))

    def settings(self) -> IntegrationSettings:
        """Return the restaurant's settings as seeded."""
        return parse_settings(self.restaurant.id, self.restaurant.document())

    async def poll(self) -> dict[str, Any]:
        """Run one poll."""
        return await poll_restaurant(self.services, self.restaurant.id)

    async def reconcile(self, **options: Any) -> dict[str, Any]:
        """Run one reconciliation and return the stored report."""
        result = await reconcile_restaurant(
            self.services, ReconciliationRequest(**options), self.restaurant.id
        )
        reports = paths.reports_collection(self.services.firestore, self.restaurant.id)
        report = (await reports.document(result["reportId"]).get()).to_dict()
        assert report is not None
        return report

    async def ledger_documents(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's documents of OpenTable's reservations by external key."""
        reservations = paths.reservations_collection(self.services.firestore, self.restaurant.id)
        documents = reservations.where(filter=OPENTABLE_RESERVATIONS).stream()
        return {
            document["source"]["externalReservationId"]: document
            async for snapshot in documents
            if (document := snapshot.to_dict())
        }

    async def all_documents(self) -> dict[str, dict[str, Any]]:
        """Return every document of the project by its path."""
        documents: dict[str, dict[str, Any]] = {}
        collections = [each async for each in self.services.firestore.collections()]
        while collections:
            async for reference in collections.pop().list_documents():
                snapshot = await reference.get()
                if snapshot.exists:
                    documents[_below_root(reference.path)] = snapshot.to_dict() or {}
                collections += [each async for each in reference.collections()]
        return documents

    async def ingest_row(self, row: dict[str, Any]) -> ApplyResult | QuarantineResult:
        """Have the webhook's intake take one of OpenTable's objects."""
        return await self._ingest(WebhookFormat.OPENTABLE_RESERVATION, row)

    async def ingest_envelope(self, kind: str, **data: Any) -> ApplyResult | QuarantineResult:
        """Have the webhook's intake take a relay's envelope of this moment."""
        body = {
            "eventType": f"reservation.{kind}",
            "id": f"{kind}-{self.clock().timestamp()}",
            "timestamp": self.clock().isoformat(),
            "data": data,
        }
        return await self._ingest(WebhookFormat.ENVELOPE, body)

    async def _ingest(
        self, shape: WebhookFormat, body: dict[str, Any]
    ) -> ApplyResult | QuarantineResult:
        event = IncomingEvent(
            shape, body, json.dumps(body), "application/json", self.clock(), Channel.WEBHOOK
        )
        return await ingest_event(self.services, self.settings(), event)

    def opentable_reservations(self) -> dict[str, Any]:
        """Return OpenTable's reservations by external key."""
        rid = int(self.restaurant.rid)
        return {item.key.lower(): item for item in self.sandbox.store.list_reservations(rid)}


def _below_root(path: str) -> str:
    return path.partition("/documents/")[2] or path


async def make_world(firestore: AsyncClient, **settings: Any) -> World:
    """Open a restaurant on both sides; the book is empty, and the ledger too."""
    clock = ManualClock(START_TIME)
    restaurant = new_restaurant()
    book = SandboxStore(clock)
    book.add_restaurant(SandboxRestaurant(int(restaurant.rid), "Demo", NEW_YORK))
    sandbox = OpenTableApi(book, [Partner("me", "hush", "gold", {int(restaurant.rid)})])
    executor = ThreadPoolExecutor(4)
    session = build_session(4)
    session.mount("https://", SandboxAdapter(sandbox))
    environment = read_environment({"GOOGLE_CLOUD_PROJECT": firestore.project})
    opentable = OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        session,
        executor,
        Clock(SYSTEM_CLOCK.monotonic, clock),
    )
    services = AppContext(
        environment=environment,
        firestore=firestore,
        directory=RestaurantDirectory(
            firestore,
            CredentialCache(_SharedSecretSource, SYSTEM_CLOCK.monotonic),
            None,
            SYSTEM_CLOCK.monotonic,
        ),
        opentable_client=lambda: opentable,
        clock=clock,
    )
    await seed(firestore, restaurant, webhookAuth=["bearer"], **settings)
    return World(services, sandbox, clock, restaurant, executor)


def differing_keys(book: dict[str, Any], ledger: dict[str, dict[str, Any]]) -> list[str]:
    """Return the keys of reservations that the two sides do not show alike."""
    return [
        key for key, reservation in book.items() if not _is_equal_to(ledger.get(key), reservation)
    ]


def _is_equal_to(document: dict[str, Any] | None, reservation: Any) -> bool:
    return document is not None and (
        document["partySize"],
        document["startAtTimestamp"],
        document["source"]["state"],
        document["metadata"]["tableNumbers"],
        document["sync"]["opentable"]["version"]["sequenceId"],
    ) == (
        reservation.party_size,
        reservation.scheduled,
        reservation.state,
        list(reservation.tables),
        reservation.sequence_id,
    )
