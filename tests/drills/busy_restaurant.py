"""A busy restaurant under a manual clock: its webhooks, and the delay of changes in the ledger."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from functions.poll import ScheduledPollRequest, poll_restaurants
from sandbox.webhook_delivery import WebhookDispatcher
from sandbox.webhook_senders import DirectSender, RelaySender
from shared.context import AppContext
from tests.support.webhooks import call_webhook
from tests.support.world import START_TIME, World, differing_keys

RESERVATION_COUNT_IN_DRILL = 40
ReportDrill = Callable[..., None]
"""Tells a drill's name and what was measured in it."""
WEBHOOK_URL = "https://receiver.example/opentable-webhook"


@dataclass(slots=True)
class BusyRestaurant:
    """A restaurant with continuous changes.

    `poll_minutes` and `reconcile_minutes` are intervals, None to disable. `max_delay` is the
    longest time until a change reached the ledger.
    """

    world: World
    dispatcher: WebhookDispatcher
    poll_minutes: int | None = 15
    reconcile_minutes: int | None = 60
    max_delay: timedelta = timedelta(0)
    _unseen: dict[str, datetime] = field(default_factory=dict)
    _random: Random = field(default_factory=lambda: Random(4))

    async def run_for(self, minutes: int, step: int = 1) -> None:
        """Advance the time, with one change at OpenTable every ``step`` minutes."""
        for _ in range(0, minutes, step):
            await self._advance(step, self.change)

    async def run_until_equal(self, step: int = 1) -> timedelta:
        """Advance the time without changes until both sides are equal; return the duration."""
        began = self.world.clock()
        while await self.differing_keys():
            await self._advance(step, lambda: None)
            assert self.world.clock() - began < timedelta(hours=3), "it never becomes level"
        return self.world.clock() - began

    async def differing_keys(self) -> list[str]:
        """Return the keys of reservations that differ between both sides."""
        return differing_keys(
            self.world.opentable_reservations(), await self.world.ledger_documents()
        )

    async def deliver(self) -> None:
        """Send all due webhooks."""
        await asyncio.to_thread(self.dispatcher.send_due)

    def change(self) -> None:
        """Change one of the reservations."""
        actions = self.world.actions
        row = self._random.choice(list(self.world.opentable_reservations().values()))
        acts: list[Callable[[], Any]] = [
            lambda: actions.change_party_size(row.key, self._random.randint(1, 8)),
            lambda: actions.reschedule(row.key, row.scheduled + timedelta(hours=1)),
            lambda: actions.cancel(row.key),
            lambda: actions.uncancel(row.key),
            lambda: actions.assign_tables(row.key, str(self._random.randint(1, 20))),
        ]
        self._unseen.setdefault(self._random.choice(acts)().key.lower(), self.world.clock())

    async def _advance(self, step: int, act: Callable[[], None]) -> None:
        self.world.clock.advance(60 * step)
        act()
        await self.deliver()
        if self._is_due(self.poll_minutes, step):
            result: Any = (await poll_restaurants(self.world.context, ScheduledPollRequest())).body
            assert [entry["status"] for entry in result["results"]] in (["ok"], ["skipped"])
        if self._is_due(self.reconcile_minutes, step):
            report = await self.world.reconcile(is_scheduled=True)
            assert report["status"] == "COMPLETED"
        await self._measure_delay()

    def _is_due(self, every: int | None, step: int) -> bool:
        passed = (self.world.clock() - START_TIME) // timedelta(minutes=1)
        return every is not None and passed // every > (passed - step) // every

    async def _measure_delay(self) -> None:
        keys = await self.differing_keys()
        for key in self._unseen.keys() - keys:
            self.max_delay = max(self.max_delay, self.world.clock() - self._unseen.pop(key))


async def open_busy_restaurant(world: World) -> BusyRestaurant:
    """Create reservations, connect webhooks, and make both sides equal."""
    for number in range(RESERVATION_COUNT_IN_DRILL):
        world.actions.create(START_TIME + timedelta(days=2, minutes=15 * number), 2)
    busy = BusyRestaurant(world, webhook_dispatcher_to(world, world.context))
    sender = DirectSender(world.sandbox.store, busy.dispatcher, WEBHOOK_URL, "Bearer proof")
    world.sandbox.store.add_listener(sender.send_event)
    await world.poll()
    assert await busy.differing_keys() == []
    return busy


def webhook_dispatcher_to(world: World, context: AppContext) -> WebhookDispatcher:
    """Return a dispatcher that delivers to the webhook of this context."""
    loop = asyncio.get_running_loop()

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        call = call_webhook(context, body, headers)
        return asyncio.run_coroutine_threadsafe(call, loop).result(30)

    return WebhookDispatcher(post, world.clock)


def attach_relay(world: World, dispatcher: WebhookDispatcher, secret: str) -> RelaySender:
    """Attach a relay for every reservation."""
    ids = {int(world.restaurant.rid): world.restaurant.id}
    relay = RelaySender(world.sandbox.store, dispatcher, WEBHOOK_URL, secret, restaurant_ids=ids)
    world.sandbox.store.add_listener(relay.send_event)
    return relay
