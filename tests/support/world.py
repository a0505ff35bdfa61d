"""A restaurant at the sandbox with its ledger in the emulator, under one clock."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import (
    AsyncCollectionReference,
    AsyncDocumentReference,
    DocumentSnapshot,
    FieldFilter,
)
from msgspec import Struct

from sandbox.actions import ReservationActions
from sandbox.api import OpenTableApi
from sandbox.clock import ManualClock
from sandbox.http import SandboxRequest, SandboxResponse, build_json_response
from sandbox.models import SandboxRestaurant
from sandbox.oauth import Partner
from sandbox.requests_adapter import SandboxAdapter
from sandbox.store import SandboxStore
from shared.concurrency import SYSTEM_CLOCK, Clock, Deadline
from shared.config import read_environment
from shared.context import AppContext, RestaurantContext
from shared.domain.normalization.webhook_body import WebhookFormat
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.webhook_auth import Authentication
from shared.firestore import paths
from shared.firestore.leases import Lease, acquire_lease
from shared.firestore.raw_client import FirestoreClient
from shared.ingest.events import QuarantineResult, ingest_event
from shared.ledger.ledger import ApplyResult
from shared.opentable.client import OpenTableClient
from shared.opentable.transport import build_session
from shared.polling.poll import poll_restaurant
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache, build_secret_store
from tests.support.events import incoming_webhook
from tests.support.restaurants import Restaurant, new_restaurant, seed

OPENTABLE_RESERVATIONS = FieldFilter("source.system", "==", "OPENTABLE")
START_TIME = datetime(2026, 3, 14, 15, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
_CREDENTIALS = '{"clientId": "me", "clientSecret": "hush", "bearerTokens": ["proof"]}'


async def _read_shared_secret(secret_id: str, _min_version: str | None = None) -> str:
    """Return the same credentials for every restaurant."""
    assert secret_id
    return _CREDENTIALS


class World(Struct):
    """Both sides of one restaurant."""

    context: AppContext
    sandbox: OpenTableApi
    clock: ManualClock
    restaurant: Restaurant
    executor: ThreadPoolExecutor

    @property
    def actions(self) -> ReservationActions:
        """Change reservations at OpenTable."""
        return ReservationActions(self.sandbox.store, int(self.restaurant.rid))

    @property
    def integration_document(self) -> AsyncDocumentReference:
        return paths.integration_document(self.context.firestore, self.restaurant.id)

    @property
    def reservations_collection(self) -> AsyncCollectionReference:
        return paths.reservations_collection(self.context.firestore, self.restaurant.id)

    @property
    def quarantine_collection(self) -> AsyncCollectionReference:
        return paths.quarantine_collection(self.context.firestore, self.restaurant.id)

    @property
    def reports_collection(self) -> AsyncCollectionReference:
        return paths.reports_collection(self.context.firestore, self.restaurant.id)

    @property
    def analytics_collection(self) -> AsyncCollectionReference:
        return paths.analytics_collection(self.context.firestore, self.restaurant.id)

    async def read_settings_document(self) -> dict[str, Any]:
        """Return the stored settings with the state of the runs."""
        return (await self.integration_document.get()).to_dict() or {}

    async def change_settings(self, **fields: object) -> None:
        """Change stored settings."""
        await self.integration_document.update(fields)

    def settings(self) -> IntegrationSettings:
        """Return the restaurant's settings as seeded."""
        return parse_settings(self.restaurant.id, self.restaurant.document())

    def restaurant_context(self) -> RestaurantContext:
        """Return the restaurant with its settings as seeded."""
        return RestaurantContext(self.context, self.settings())

    async def poll(self) -> dict[str, Any]:
        """Run one poll."""
        deadline = Deadline.after(self.context.environment.run_budget_seconds)
        return await poll_restaurant(self.context, deadline, self.restaurant.id)

    async def reconcile(self, **options: Any) -> dict[str, Any]:
        """Run one reconciliation and return the stored report."""
        result = await reconcile_restaurant(
            self.context, ReconciliationOptions(**options), self.restaurant.id
        )
        report = (await self.reports_collection.document(result["reportId"]).get()).to_dict()
        assert report is not None
        return report

    def acquire_lease(self, kind: str) -> AbstractAsyncContextManager[Lease | None]:
        """Acquire a lease of the restaurant for a block."""
        client, restaurant_id = self.context.firestore, self.restaurant.id
        return acquire_lease(client, self.clock, restaurant_id, kind, Deadline.after(480))

    async def ledger_documents(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's documents of OpenTable's reservations by external key."""
        documents = self.reservations_collection.where(filter=OPENTABLE_RESERVATIONS).stream()
        return {
            document["source"]["externalReservationId"]: document
            async for snapshot in documents
            if (document := snapshot.to_dict())
        }

    async def all_documents(self) -> dict[str, dict[str, Any]]:
        """Return every document of the project by its path."""
        by_path: dict[str, dict[str, Any]] = {}
        collections = [each async for each in self.context.firestore.collections()]
        while collections:
            read = await asyncio.gather(*map(_read_collection, collections))
            documents = [each for some in read for each in some]
            by_path |= {
                each.reference.path: each.to_dict() or {} for each in documents if each.exists
            }
            found = await asyncio.gather(*(_subcollections(each.reference) for each in documents))
            collections = [each for some in found for each in some]
        return by_path

    async def ingest_row(self, row: dict[str, Any]) -> ApplyResult | QuarantineResult:
        """Have the webhook's intake take one of OpenTable's objects."""
        return await self.ingest(row, WebhookFormat.OPENTABLE_RESERVATION)

    async def ingest_envelope(self, kind: str, **data: Any) -> ApplyResult | QuarantineResult:
        """Have the webhook's intake take a relay's envelope of this moment."""
        body = {
            "eventType": f"reservation.{kind}",
            "id": f"{kind}-{self.clock().timestamp()}",
            "timestamp": self.clock().isoformat(),
            "data": data,
        }
        return await self.ingest(body, WebhookFormat.ENVELOPE)

    async def ingest(
        self,
        body: dict[str, Any],
        shape: WebhookFormat,
        authentication: Authentication | None = None,
    ) -> ApplyResult | QuarantineResult:
        """Have the webhook's intake take a body of this moment."""
        event = incoming_webhook(body, self.clock(), shape, authentication)
        return await ingest_event(self.restaurant_context(), event)

    def opentable_reservations(self) -> dict[str, Any]:
        """Return OpenTable's reservations by external key."""
        rid = int(self.restaurant.rid)
        return {item.key.lower(): item for item in self.sandbox.store.list_reservations(rid)}


async def _read_collection(collection: AsyncCollectionReference) -> list[DocumentSnapshot[Any]]:
    """Return a collection's documents, including missing ones with subcollections."""
    references = [each async for each in collection.list_documents()]
    return [each async for each in collection._client.get_all(references)]


async def _subcollections(reference: AsyncDocumentReference) -> list[AsyncCollectionReference]:
    return [each async for each in reference.collections()]


async def make_world(firestore: FirestoreClient, **settings: Any) -> World:
    """Open a restaurant on both sides, without reservations."""
    clock = ManualClock(START_TIME)
    restaurant = new_restaurant()
    store = SandboxStore(clock)
    store.add_restaurant(SandboxRestaurant(int(restaurant.rid), "Demo", NEW_YORK))
    sandbox = OpenTableApi(store, [Partner("me", "hush", "gold", {int(restaurant.rid)})])
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
    context = AppContext(
        environment=environment,
        firestore=firestore,
        directory=RestaurantDirectory(
            firestore,
            CredentialCache(_read_shared_secret, SYSTEM_CLOCK.monotonic),
            None,
            SYSTEM_CLOCK.monotonic,
        ),
        secret_store=build_secret_store(environment),
        get_opentable_client=lambda: opentable,
        clock=clock,
    )
    await seed(firestore, restaurant, webhookAuth=["bearer"], **settings)
    return World(context, sandbox, clock, restaurant, executor)


def rewrite_rows(
    world: World, change: Callable[[dict[str, Any]], Mapping[str, Any]], patch: pytest.MonkeyPatch
) -> None:
    """Change the rows in OpenTable's responses; `change` returns the replaced fields of a row."""
    patch.setattr(world.sandbox, "handle", build_rewriting_handler(world.sandbox, change))


def build_rewriting_handler(
    sandbox: OpenTableApi, change: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> Callable[[SandboxRequest], SandboxResponse]:
    """Return the sandbox's `handle`, with the fields from `change` in every row."""
    handle = sandbox.handle

    def handle_and_rewrite(request: SandboxRequest) -> SandboxResponse:
        headers = {**request.headers, "accept-encoding": "identity"}
        response = handle(replace(request, headers=headers))
        if response.status != HTTPStatus.OK or not request.path.startswith("/sync/"):
            return response
        body = json.loads(response.body)
        for row in body.get("items", [body]):
            row.update(change(row))
        return build_json_response(response.status, body, "rewritten")

    return handle_and_rewrite


def differing_keys(reservations: dict[str, Any], ledger: dict[str, dict[str, Any]]) -> list[str]:
    """Return the keys of reservations that differ between both sides."""
    return [
        key
        for key, reservation in reservations.items()
        if not _is_equal_to(ledger.get(key), reservation)
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


class HiddenReservations:
    """Hide reservations from OpenTable's responses for a while."""

    def __init__(self, world: World, *keys: str) -> None:
        self._data = world.sandbox.store._data_by_rid[int(world.restaurant.rid)]
        self._keys = keys
        self._hidden: dict[str, Any] = {}

    def __enter__(self) -> None:
        for key in self._keys:
            self._hidden[key] = self._data.reservations.pop(key)
        self._data.version += 1

    def __exit__(self, *_: object) -> None:
        self._data.reservations.update(self._hidden)
        self._data.version += 1


class RejectedCredential:
    """Have OpenTable reject the credential from the first request of some paths on, in a block."""

    def __init__(self, world: World, path_prefix: str) -> None:
        self._sandbox = world.sandbox
        self._path_prefix = path_prefix
        self._handle = world.sandbox.handle
        self._is_rejected = False

    def __enter__(self) -> None:
        self._sandbox.handle = self._answer  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self._sandbox.handle = self._handle  # type: ignore[method-assign]

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        self._is_rejected |= request.path.startswith(self._path_prefix)
        if self._is_rejected and request.path.startswith("/sync/"):
            return build_json_response(HTTPStatus.UNAUTHORIZED, {}, "0")
        return self._handle(request)
