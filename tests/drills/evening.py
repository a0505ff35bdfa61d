"""A busy book under a clock moved by hand, its webhooks, and how late the ledger shows it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dev.sandbox.courier import WebhookDispatcher
from dev.sandbox.webhooks import DirectSender, RelaySender
from shared.edge.services import AppContext
from tests.front_door import knock
from tests.world import BEGINNING, World, disagreements

BOOKED = 40
Tell = Callable[..., None]
"""Tells a drill's name and what was measured in it."""
URL = "https://receiver.example/opentable-webhook"


@dataclass(slots=True)
class Evening:
    """A restaurant whose book keeps changing.

    Attributes:
        world: Both sides.
        courier: Delivers the webhooks.
        poll_minutes: How often the poll runs, None while it is dead.
        reconcile_minutes: The same of reconciliation.
        worst: The longest that a change was not in the ledger.
    """

    world: World
    courier: WebhookDispatcher
    poll_minutes: int | None = 15
    reconcile_minutes: int | None = 60
    worst: timedelta = timedelta(0)
    _unseen: dict[str, datetime] = field(default_factory=dict)
    _random: Random = field(default_factory=lambda: Random(4))  # noqa: S311 -- repeatable

    async def live(self, minutes: int, step: int = 1) -> None:
        """Let time pass, one change of the book every ``step`` minutes."""
        for _ in range(0, minutes, step):
            await self._pass(step, self.change)

    async def until_level(self, step: int = 1) -> timedelta:
        """Let time pass in which nothing changes; return how long it takes to be level."""
        began = self.world.clock()
        while await self.behind():
            await self._pass(step, lambda: None)
            assert self.world.clock() - began < timedelta(hours=3), "it never becomes level"
        return self.world.clock() - began

    async def behind(self) -> list[str]:
        """Return the keys of what the ledger does not show as the book does."""
        return disagreements(self.world.book(), await self.world.ledger())

    async def deliver(self) -> None:
        """Have all webhooks sent that are due."""
        await asyncio.to_thread(self.courier.send_due)

    def change(self) -> None:
        """Change one of the reservations."""
        desk, row = self.world.desk, self._random.choice(list(self.world.book().values()))
        acts: list[Callable[[], Any]] = [
            lambda: desk.change_party_size(row.key, self._random.randint(1, 8)),
            lambda: desk.reschedule(row.key, row.scheduled + timedelta(hours=1)),
            lambda: desk.cancel(row.key),
            lambda: desk.uncancel(row.key),
            lambda: desk.assign_tables(row.key, str(self._random.randint(1, 20))),
        ]
        self._unseen.setdefault(self._random.choice(acts)().key.lower(), self.world.clock())

    async def _pass(self, step: int, act: Callable[[], None]) -> None:
        self.world.clock.advance(60 * step)
        act()
        await self.deliver()
        if self._is_due(self.poll_minutes, step):
            assert (await self.world.poll())["status"] == "ok"
        if self._is_due(self.reconcile_minutes, step):
            assert (await self.world.reconcile())["status"] == "COMPLETED"
        await self._look()

    def _is_due(self, every: int | None, step: int) -> bool:
        passed = (self.world.clock() - BEGINNING) // timedelta(minutes=1)
        return every is not None and passed // every > (passed - step) // every

    async def _look(self) -> None:
        behind = await self.behind()
        for key in self._unseen.keys() - behind:
            self.worst = max(self.worst, self.world.clock() - self._unseen.pop(key))


async def begin(world: World) -> Evening:
    """Fill the book, have OpenTable send its webhooks, and bring the ledger level."""
    for number in range(BOOKED):
        world.desk.create(BEGINNING + timedelta(days=2, minutes=15 * number), 2)
    evening = Evening(world, courier_to(world, world.services))
    sender = DirectSender(world.sandbox.store, evening.courier, URL, "Bearer proof")
    world.sandbox.store.add_listener(sender.send_event)
    await world.poll()
    assert await evening.behind() == []
    return evening


def courier_to(world: World, services: AppContext) -> WebhookDispatcher:
    """Return a courier that delivers to the webhook of a process with these services."""
    loop = asyncio.get_running_loop()

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        knocking = knock(services, body, headers)
        return asyncio.run_coroutine_threadsafe(knocking, loop).result(30)

    return WebhookDispatcher(post, world.clock)


def relay_of(world: World, courier: WebhookDispatcher, secret: str) -> RelaySender:
    """Have a relay that signs speak of every reservation."""
    ids = {int(world.restaurant.rid): world.restaurant.id}
    relay = RelaySender(world.sandbox.store, courier, URL, secret, restaurant_ids=ids)
    world.sandbox.store.add_listener(relay.send_event)
    return relay
