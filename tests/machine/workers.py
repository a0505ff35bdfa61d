"""Workers: each a process's services with connections of its own, which may die at any step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

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
from shared.errors import BackfillUnderWayError, LedgerUnavailableError
from tests.front_door import knock
from tests.machine.mortal import Death, Fate, Line, Mortal, MortalAdapter
from tests.safe import Safe
from tests.world import World

_STRAGGLER_SECONDS = 10

Errand = str | bytes
"""``poll``, ``reconcile``, ``backfill``, or the body of a webhook to answer."""


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
            assert isinstance(errand, bytes)
            return await knock(self.services, errand)
        return None

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
    services = replace(world.services, firestore=client, directory=directory, opentable=opentable)
    return Worker(services, mortal, world.restaurant.id, executor)
