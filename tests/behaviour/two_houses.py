"""Two restaurants of one partner: OpenTable has trouble with one of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace
from typing_extensions import override

from dev.sandbox.adapter import SandboxAdapter
from dev.sandbox.answers import OpenTableApi
from dev.sandbox.desk import ReservationActions
from dev.sandbox.records import SandboxRestaurant
from shared.edge import paths
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.transport import build_session
from shared.edge.polling import poll_restaurant
from shared.edge.reconciling import ReconciliationRequest, reconcile_restaurant
from shared.edge.restaurants import run_for_each_restaurant
from tests.restaurants import Restaurant, new_restaurant, seed
from tests.world import BEGINNING, NEW_YORK, World, disagreements, make_world

BOOKED = 10


class Switchboard(SandboxAdapter):
    """Sends what is asked about one restaurant to a sandbox of its own.

    Attributes:
        hosts: The hosts that were called.
    """

    def __init__(self, calm: OpenTableApi, troubled: OpenTableApi, rid: str) -> None:
        super().__init__(calm)
        self._troubled, self._rid = SandboxAdapter(troubled), rid
        self.hosts: set[str] = set()

    @override
    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        url = request.url or ""
        self.hosts.add(urlsplit(url).netloc)
        if self._rid in url:
            return self._troubled.send(request, *args, **kwargs)
        return super().send(request, *args, **kwargs)


@dataclass(slots=True)
class Houses:
    """Both restaurants.

    Attributes:
        world: The one that has trouble is its restaurant.
        neighbour: The other one.
        troubled: What OpenTable answers about the first.
        switchboard: Carries all calls.
    """

    world: World
    neighbour: Restaurant
    troubled: OpenTableApi
    switchboard: Switchboard

    async def run(self, kind: str) -> list[dict[str, Any]]:
        """Poll or reconcile both; the troubled one's result is the first."""
        both = [self.world.restaurant.id, self.neighbour.id]
        runs = {
            "poll": partial(poll_restaurant, self.world.services),
            "reconcile": partial(
                reconcile_restaurant, self.world.services, ReconciliationRequest()
            ),
        }
        return await run_for_each_restaurant(both, 2, runs[kind], Deadline.after(60))

    def change(self) -> None:
        """Change a reservation of each."""
        self.world.clock.advance(60)
        for restaurant in (self.world.restaurant, self.neighbour):
            desk = ReservationActions(self.world.sandbox.store, int(restaurant.rid))
            for row in self.world.sandbox.store.list_reservations(int(restaurant.rid))[:2]:
                desk.change_party_size(row.key, row.party_size + 1)

    async def behind(self, restaurant: Restaurant) -> list[str]:
        """Return the keys of what a restaurant's ledger does not show as the book does."""
        documents = paths.reservations_collection(
            self.world.services.firestore, restaurant.id
        ).stream()
        held = [found.to_dict() or {} async for found in documents]
        ledger = {each["source"]["externalReservationId"]: each for each in held}
        rows = self.world.sandbox.store.list_reservations(int(restaurant.rid))
        return disagreements({row.key.lower(): row for row in rows}, ledger)

    async def state(self) -> dict[str, Any]:
        """Return the troubled restaurant's settings document."""
        settings = paths.integration_document(
            self.world.services.firestore, self.world.restaurant.id
        )
        return (await settings.get()).to_dict() or {}


@asynccontextmanager
async def two_houses(firestore: AsyncClient) -> AsyncIterator[Houses]:
    """Open two restaurants that are level."""
    world, neighbour = await make_world(firestore), new_restaurant()
    await seed(firestore, neighbour, webhookAuth=["bearer"])
    book, partners = world.sandbox.store, world.sandbox.tokens.partners
    book.add_restaurant(SandboxRestaurant(int(neighbour.rid), "Next door", NEW_YORK))
    partners[0].rids.add(int(neighbour.rid))
    for rid in partners[0].rids:
        for hour in range(BOOKED):
            ReservationActions(book, rid).create(BEGINNING + timedelta(days=1, hours=hour), 2)
    troubled = OpenTableApi(book, partners)
    troubled.tokens = world.sandbox.tokens
    switchboard = Switchboard(world.sandbox, troubled, world.restaurant.rid)
    session, environment = build_session(4), world.services.environment
    session.mount("https://", switchboard)
    urls = environment.api_url, environment.oauth_url
    client = OpenTableClient(*urls, session, world.executor)
    world.services = replace(world.services, opentable_client=lambda: client)
    houses = Houses(world, neighbour, troubled, switchboard)
    await houses.run("poll")
    assert await houses.behind(world.restaurant) == await houses.behind(neighbour) == []
    yield houses
    world.executor.shutdown()
