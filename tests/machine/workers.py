"""Workers: each a process's services with connections of its own, which may die at any step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from shared.edge.backfilling import backfill_restaurant
from shared.edge.backfills import start_backfill
from shared.edge.directory import RestaurantDirectory
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import SYSTEM_CLOCK, Clock, Deadline
from shared.edge.opentable.transport import build_session
from shared.edge.polling import poll_restaurant
from shared.edge.reconciling import ReconciliationRequest, reconcile_restaurant
from shared.edge.secrets import CredentialCache
from shared.edge.services import AppContext
from shared.edge.staff.cancelling import cancel_native_reservation
from shared.edge.staff.quarantine import QuarantineReview
from shared.edge.staff.replaying import replay_quarantined_event
from shared.edge.staff.tokens import AuthenticatedUser
from shared.errors import BackfillInProgressError, InvalidEventError, ServiceUnavailableError
from tests.front_door import knock
from tests.machine.mortal import Death, Fate, Line, Mortal, MortalAdapter
from tests.safe import Safe
from tests.world import World

_STRAGGLER_SECONDS = 10
_MOST_REPLAYED = 3

Errand = str | bytes
"""Any step: ``poll``, ``reconcile``, ``backfill``, ``replay``, ``cancel``, or a webhook's body."""
OWN = "own-1"
_SOMEBODY = AuthenticatedUser("somebody", is_operator=False)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process.

    Attributes:
        services: Its clients.
        mortal: Ends it.
        restaurant_id: The restaurant that it works for.
        executor: Its one thread for calls to OpenTable.
    """

    services: AppContext
    mortal: Mortal
    restaurant_id: str
    executor: ThreadPoolExecutor

    async def run(self, errand: Errand, fate: Fate) -> Any:
        """Do an errand; None where the worker died of it."""
        self.mortal.begin(fate)
        with suppress(Death):
            if errand == "poll":
                return await poll_restaurant(self.services, self.restaurant_id)
            if errand == "reconcile":
                return await reconcile_restaurant(
                    self.services, ReconciliationRequest(), self.restaurant_id
                )
            if errand == "backfill":
                return await self._backfill()
            if isinstance(errand, bytes):
                return await knock(self.services, errand)
            with suppress(InvalidEventError, ServiceUnavailableError):
                return await self._by_hand(errand)
        return None

    async def _by_hand(self, errand: str) -> None:
        """Do what a person may ask for: replay the quarantine, or cancel Lineup's own."""
        settings = await self.services.directory.find_by_restaurant_id(self.restaurant_id)
        assert settings is not None
        if errand == "cancel":
            await cancel_native_reservation(
                self.services, settings, OWN, user=_SOMEBODY, reason="Rain", idempotency_key="once"
            )
            return
        client, clock = self.services.firestore, self.services.clock
        desk = QuarantineReview(client, self.restaurant_id, clock)
        for item_id in await desk.list_newest(_MOST_REPLAYED):
            item = await desk.read_item(item_id)
            if item is not None and item["status"] == "OPEN":
                with suppress(InvalidEventError):
                    await replay_quarantined_event(self.services, settings, item)
                    await desk.resolve(item_id, "REPLAYED", _SOMEBODY)

    async def _backfill(self) -> Any:
        """Begin one of some weeks, or take up what a dead worker left, and carry it on."""
        with suppress(BackfillInProgressError, ServiceUnavailableError):
            today = self.services.clock().date()
            days = today - timedelta(days=6), today + timedelta(days=35)
            await start_backfill(self.services, self.restaurant_id, *days)
        return await backfill_restaurant(self.services, Deadline.after(60), self.restaurant_id)


async def run_at_once(*runs: tuple[Worker, Errand, Fate]) -> list[Any]:
    """Have workers run at the same time; return once nothing of any of them is under way."""
    known = asyncio.all_tasks()
    results = await asyncio.gather(*(worker.run(errand, fate) for worker, errand, fate in runs))
    left = asyncio.all_tasks() - known
    if left:
        await asyncio.wait(left, timeout=_STRAGGLER_SECONDS)
    return results


def make_worker(world: World) -> Worker:
    """Return a new process that serves the world's restaurant."""
    mortal = Mortal()
    client = Line(world.services.firestore, mortal).client
    safe, environment = Safe(), world.services.environment
    safe.payloads[world.restaurant.secret] = {
        "clientId": "me",
        "clientSecret": "hush",
        "bearerTokens": ["proof"],
    }
    session = build_session(1)
    session.mount("https://", MortalAdapter(world.sandbox, mortal))
    executor, monotonic = ThreadPoolExecutor(1), SYSTEM_CLOCK.monotonic
    opentable = OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        session,
        executor,
        Clock(monotonic, world.clock),
    )
    directory = RestaurantDirectory(
        client, CredentialCache(lambda: safe, monotonic), None, monotonic
    )
    services = replace(
        world.services,
        firestore=client,
        directory=directory,
        opentable_client=lambda: opentable,
    )
    return Worker(services, mortal, world.restaurant.id, executor)
