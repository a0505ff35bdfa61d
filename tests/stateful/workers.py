"""Workers: one process's context with its own connections, which can be killed at any step."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from shared.concurrency import SYSTEM_CLOCK, Clock, Deadline
from shared.context import AppContext, RestaurantContext
from shared.errors import BackfillInProgressError, InvalidEventError, ServiceUnavailableError
from shared.ledger.staff_actions import cancel_native_reservation
from shared.opentable.client import OpenTableClient
from shared.opentable.transport import build_session
from shared.polling.backfill import backfill_restaurant, start_backfill
from shared.polling.poll import poll_restaurant
from shared.quarantine.review import QuarantineReview, replay_quarantined_event
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from shared.staff.identity import AuthenticatedUser
from tests.stateful.faults import (
    FaultPlan,
    FaultyFirestore,
    FaultySandboxAdapter,
    ProcessKilled,
    WorkerFaults,
)
from tests.support.restaurants import InMemorySecretSource
from tests.support.webhooks import call_webhook
from tests.support.world import World

_STRAGGLER_TIMEOUT_SECONDS = 10
_MAX_REPLAYED = {"replay": 3, "replay all": 200}

WorkerJob = str | bytes
"""A webhook's body, or the name of a job: ``poll``, ``reconcile``, ``replay all`` and others."""
NATIVE_RESERVATION_ID = "own-1"
_STAFF_MEMBER = AuthenticatedUser("somebody", is_operator=False)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process for one restaurant."""

    context: AppContext
    faults: WorkerFaults
    restaurant_id: str
    executor: ThreadPoolExecutor

    async def run(self, job: WorkerJob, faults: FaultPlan) -> Any:
        """Run a job; return None if the worker was killed."""
        self.faults.start(faults)
        with suppress(ProcessKilled):
            if job == "poll":
                return await poll_restaurant(self.context, Deadline.after(480), self.restaurant_id)
            if job == "reconcile":
                return await reconcile_restaurant(
                    self.context, ReconciliationOptions(), self.restaurant_id
                )
            if job == "backfill":
                return await self._backfill()
            if isinstance(job, bytes):
                return await call_webhook(self.context, job)
            with suppress(InvalidEventError, ServiceUnavailableError):
                return await self._run_staff_action(job)
        return None

    async def _run_staff_action(self, job: str) -> None:
        """Replay the quarantine, or cancel the native reservation."""
        settings = await self.context.directory.find_by_restaurant_id(self.restaurant_id)
        assert settings is not None
        restaurant = RestaurantContext(self.context, settings)
        if job == "cancel":
            await cancel_native_reservation(
                restaurant,
                NATIVE_RESERVATION_ID,
                user_uid=_STAFF_MEMBER.uid,
                reason="Rain",
                idempotency_key="once",
            )
            return
        client, clock = self.context.firestore, self.context.clock
        review = QuarantineReview(client, self.restaurant_id, clock)
        for item_id in await review.list_newest(_MAX_REPLAYED[job]):
            item = await review.read_item(item_id)
            if item is not None and item["status"] == "OPEN":
                with suppress(InvalidEventError):
                    result = await replay_quarantined_event(restaurant, item, _STAFF_MEMBER.uid)
                    await review.mark_replayed(item_id, result, _STAFF_MEMBER)

    async def _backfill(self) -> Any:
        """Start or resume a backfill of some weeks and run it."""
        with suppress(BackfillInProgressError, ServiceUnavailableError):
            today = self.context.clock().date()
            days = today - timedelta(days=6), today + timedelta(days=35)
            await start_backfill(self.context, self.restaurant_id, *days)
        return await backfill_restaurant(self.context, Deadline.after(60), self.restaurant_id)


async def run_concurrently(*runs: tuple[Worker, WorkerJob, FaultPlan]) -> list[Any]:
    """Have workers run at the same time; return once nothing of any of them is under way."""
    tasks_before = asyncio.all_tasks()
    results = await asyncio.gather(*(worker.run(job, faults) for worker, job, faults in runs))
    remaining = asyncio.all_tasks() - tasks_before
    if remaining:
        await asyncio.wait(remaining, timeout=_STRAGGLER_TIMEOUT_SECONDS)
    return results


def make_worker(world: World) -> Worker:
    """Return a new process for the world's restaurant."""
    faults = WorkerFaults()
    client = FaultyFirestore(world.context.firestore, faults).client
    fake_secret_source, environment = InMemorySecretSource(), world.context.environment
    fake_secret_source.payloads[world.restaurant.secret] = {
        "clientId": "me",
        "clientSecret": "hush",
        "bearerTokens": ["proof"],
    }
    session = build_session(1)
    session.mount("https://", FaultySandboxAdapter(world.sandbox, faults))
    executor, monotonic = ThreadPoolExecutor(1), SYSTEM_CLOCK.monotonic
    opentable = OpenTableClient(
        environment.api_url,
        environment.oauth_url,
        session,
        executor,
        Clock(monotonic, world.clock),
    )
    directory = RestaurantDirectory(
        client, CredentialCache(fake_secret_source.read, monotonic), None, monotonic
    )
    context = replace(
        world.context,
        firestore=client,
        directory=directory,
        get_opentable_client=lambda: opentable,
    )
    return Worker(context, faults, world.restaurant.id, executor)
