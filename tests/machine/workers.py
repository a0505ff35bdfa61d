"""Workers: each a process's services with connections of its own, which may die at any step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from shared.edge.backfilling import backfill_restaurant
from shared.edge.backfills import begin_backfill
from shared.edge.directory import Directory
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import SYSTEM_CLOCK, Clock, Deadline
from shared.edge.opentable.transport import new_session
from shared.edge.polling import poll_restaurant
from shared.edge.reconciling import Wanted, reconcile_restaurant
from shared.edge.secrets import Secrets
from shared.edge.services import Services
from shared.edge.staff.cancelling import cancel_own
from shared.edge.staff.quarantine import QuarantineDesk
from shared.edge.staff.replaying import replay
from shared.edge.staff.tokens import Person
from shared.errors import BackfillUnderWayError, LedgerUnavailableError, RejectedStatementError
from tests.front_door import knock
from tests.machine.mortal import Death, Fate, Line, Mortal, MortalAdapter
from tests.safe import Safe
from tests.world import World

_STRAGGLER_SECONDS = 10
_MOST_REPLAYED = 3

Errand = str | bytes
"""``poll``, ``reconcile``, ``backfill``, ``replay``, ``cancel``, or the body of a webhook."""
OWN = "own-1"
_SOMEBODY = Person("somebody", is_operator=False)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process.

    Attributes:
        services: Its clients.
        mortal: Ends it.
        restaurant_id: The restaurant that it works for.
        executor: Its one thread for calls to OpenTable.
    """

    services: Services
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
                return await reconcile_restaurant(self.services, Wanted(), self.restaurant_id)
            if errand == "backfill":
                return await self._backfill()
            if isinstance(errand, bytes):
                return await knock(self.services, errand)
            with suppress(RejectedStatementError, LedgerUnavailableError):
                return await self._by_hand(errand)
        return None

    async def _by_hand(self, errand: str) -> None:
        """Do what a person may ask for: replay the quarantine, or cancel Lineup's own."""
        settings = await self.services.directory.by_restaurant_id(self.restaurant_id)
        assert settings is not None
        if errand == "cancel":
            await cancel_own(
                self.services, settings, OWN, by=_SOMEBODY, reason="Rain", request_key="once"
            )
            return
        client, clock = self.services.firestore, self.services.clock
        desk = QuarantineDesk(client, self.restaurant_id, clock)
        for item_id in await desk.newest(_MOST_REPLAYED):
            item = await desk.item(item_id)
            if item is not None and item["status"] == "OPEN":
                with suppress(RejectedStatementError):
                    await replay(self.services, settings, item)
                    await desk.settle(item_id, "REPLAYED", _SOMEBODY)

    async def _backfill(self) -> Any:
        """Begin one of some weeks, or take up what a dead worker left, and carry it on."""
        with suppress(BackfillUnderWayError, LedgerUnavailableError):
            today = self.services.clock().date()
            days = today - timedelta(days=6), today + timedelta(days=35)
            await begin_backfill(self.services, self.restaurant_id, *days)
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
    session = new_session(1)
    session.mount("https://", MortalAdapter(world.sandbox, mortal))
    executor, monotonic = ThreadPoolExecutor(1), SYSTEM_CLOCK.monotonic
    opentable = OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        session,
        executor,
        Clock(monotonic, world.clock),
    )
    directory = Directory(client, Secrets(lambda: safe, monotonic), None, monotonic)
    services = replace(
        world.services,
        firestore=client,
        directory=directory,
        opentable_client=lambda: opentable,
    )
    return Worker(services, mortal, world.restaurant.id, executor)
