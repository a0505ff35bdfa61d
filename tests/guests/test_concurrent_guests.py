"""The guests of many restaurants: few are read and written at the same time."""

import asyncio
from typing import Any

from msgspec.structs import replace

from shared.concurrency import Deadline
from shared.context import (
    MAX_CONCURRENT_GUEST_ACCESSES,
    ConnectedRestaurant,
    RestaurantContext,
    connect_restaurant,
)
from shared.guests.fetch import ensure_guest_stored
from tests.support.firestore import FirestoreSpy
from tests.support.world import World

_GUEST_IDS = [f"65aa01bb02cc03dd04ee{number:04}" for number in range(40)]
_TIMEOUT_SECONDS = 30.0


class CommitMeter(FirestoreSpy):
    """Count the commits in progress."""

    pending_commits = 0
    max_pending_commits = 0

    async def commit(self, **sent: Any) -> Any:
        self.pending_commits += 1
        self.max_pending_commits = max(self.max_pending_commits, self.pending_commits)
        try:
            return await super().commit(**sent)
        finally:
            self.pending_commits -= 1


async def load_restaurant(world: World, spy: FirestoreSpy | None = None) -> ConnectedRestaurant:
    context = replace(world.context, firestore=spy.client) if spy else world.context
    restaurant = RestaurantContext(context, world.settings())
    return await connect_restaurant(restaurant, Deadline.after(_TIMEOUT_SECONDS))


async def return_no_guest(_guest_id: str, _key: str) -> None:
    """Answer like OpenTable for an unknown guest."""


async def test_guests_beyond_the_limit_wait(world: World) -> None:
    meter = CommitMeter(world.context.firestore)
    restaurant = await load_restaurant(world, meter)
    await asyncio.gather(
        *(ensure_guest_stored(restaurant, guest_id, return_no_guest) for guest_id in _GUEST_IDS)
    )
    assert meter.calls.count("commit") == len(_GUEST_IDS)
    assert meter.max_pending_commits <= MAX_CONCURRENT_GUEST_ACCESSES


async def test_a_slow_opentable_does_not_stop_other_guests(world: World) -> None:
    restaurant = await load_restaurant(world)
    opentable_responds = asyncio.Event()

    async def wait_for_opentable(_guest_id: str, _key: str) -> None:
        await opentable_responds.wait()

    *slow_ids, fast_id = _GUEST_IDS
    slow = [
        asyncio.create_task(ensure_guest_stored(restaurant, guest_id, wait_for_opentable))
        for guest_id in slow_ids
    ]
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        await ensure_guest_stored(restaurant, fast_id, return_no_guest)
    assert not any(task.done() for task in slow)
    opentable_responds.set()
    await asyncio.gather(*slow)
