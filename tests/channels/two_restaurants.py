"""Two restaurants of one partner; requests for one of them fail at OpenTable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from msgspec.structs import replace
from typing_extensions import override

from sandbox.actions import ReservationActions
from sandbox.api import OpenTableApi
from sandbox.models import SandboxRestaurant
from sandbox.requests_adapter import SandboxAdapter
from shared.concurrency import Deadline
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.opentable.client import OpenTableClient
from shared.opentable.transport import build_session
from shared.polling.poll import poll_restaurant
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from shared.tasks.fan_out import run_for_each_restaurant
from tests.support.restaurants import Restaurant, new_restaurant, seed
from tests.support.world import NEW_YORK, START_TIME, World, differing_keys, make_world

RESERVATIONS_PER_RESTAURANT = 10


class RoutingAdapter(SandboxAdapter):
    """Route requests about one restaurant to a separate sandbox."""

    def __init__(self, healthy: OpenTableApi, failing: OpenTableApi, rid: str) -> None:
        super().__init__(healthy)
        self._failing_adapter, self._rid = SandboxAdapter(failing), rid
        self.hosts: set[str] = set()

    @override
    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        url = request.url or ""
        self.hosts.add(urlsplit(url).netloc)
        if self._rid in url:
            return self._failing_adapter.send(request, *args, **kwargs)
        return super().send(request, *args, **kwargs)


@dataclass(slots=True)
class TwoRestaurants:
    """A failing restaurant (`world`) and a healthy one, with one adapter for both."""

    world: World
    healthy_restaurant: Restaurant
    failing_sandbox: OpenTableApi
    adapter: RoutingAdapter

    async def run(self, kind: str) -> list[dict[str, Any]]:
        """Poll or reconcile both; the troubled one's result is the first."""
        both = [self.world.restaurant.id, self.healthy_restaurant.id]
        deadline = Deadline.after(60)
        runs = {
            "poll": partial(poll_restaurant, self.world.context, deadline),
            "reconcile": partial(reconcile_restaurant, self.world.context, ReconciliationOptions()),
        }
        return await run_for_each_restaurant(both, 2, runs[kind], deadline)

    def change(self) -> None:
        """Change a reservation of each."""
        self.world.clock.advance(60)
        for restaurant in (self.world.restaurant, self.healthy_restaurant):
            actions = ReservationActions(self.world.sandbox.store, int(restaurant.rid))
            for row in self.world.sandbox.store.list_reservations(int(restaurant.rid))[:2]:
                actions.change_party_size(row.key, row.party_size + 1)

    async def differing_keys_of(self, restaurant: Restaurant) -> list[str]:
        """Return the keys of reservations that differ between ledger and OpenTable."""
        documents = paths.reservations_collection(
            self.world.context.firestore, restaurant.id
        ).stream()
        stored_documents = [snapshot.to_dict() or {} async for snapshot in documents]
        ledger = {each["source"]["externalReservationId"]: each for each in stored_documents}
        rows = self.world.sandbox.store.list_reservations(int(restaurant.rid))
        return differing_keys({row.key.lower(): row for row in rows}, ledger)


@asynccontextmanager
async def open_two_restaurants(firestore: FirestoreClient) -> AsyncIterator[TwoRestaurants]:
    """Open two restaurants with equal sides."""
    world, healthy_restaurant = await make_world(firestore), new_restaurant()
    await seed(firestore, healthy_restaurant, webhookAuth=["bearer"])
    store, partners = world.sandbox.store, world.sandbox.tokens.partners
    store.add_restaurant(SandboxRestaurant(int(healthy_restaurant.rid), "Next door", NEW_YORK))
    partners[0].rids.add(int(healthy_restaurant.rid))
    for rid in partners[0].rids:
        for hour in range(RESERVATIONS_PER_RESTAURANT):
            ReservationActions(store, rid).create(START_TIME + timedelta(days=1, hours=hour), 2)
    failing_sandbox = OpenTableApi(store, partners)
    failing_sandbox.tokens = world.sandbox.tokens
    adapter = RoutingAdapter(world.sandbox, failing_sandbox, world.restaurant.rid)
    session, environment = build_session(4), world.context.environment
    session.mount("https://", adapter)
    urls = environment.api_url, environment.oauth_url
    client = OpenTableClient(*urls, session, world.executor)
    world.context = replace(world.context, get_opentable_client=lambda: client)
    restaurants = TwoRestaurants(world, healthy_restaurant, failing_sandbox, adapter)
    await restaurants.run("poll")
    assert (
        await restaurants.differing_keys_of(world.restaurant)
        == await restaurants.differing_keys_of(healthy_restaurant)
        == []
    )
    yield restaurants
    world.executor.shutdown()
