"""What a webhook fetches after its commit never makes its answer late."""

import asyncio

from functions.webhook import _fetch_after_commit
from shared.edge.ledger import ApplyResult
from tests.world import BEGINNING, World


async def hinted(world: World) -> ApplyResult:
    """Return what became of an envelope that calls for OpenTable's own row."""
    booked = world.desk.create(BEGINNING, 2)
    await world.poll()
    applied = await world.hear_relay("updated", reservationId=booked.key, partySize=5)
    assert isinstance(applied, ApplyResult)
    assert applied.needs_refetch
    return applied


async def follow(world: World, seconds: float) -> int:
    """Follow a hint with so many seconds left; return how often OpenTable was asked."""
    applied = await hinted(world)
    asked = world.sandbox.request_counts["reservation"]
    ends = asyncio.get_running_loop().time() + seconds
    await _fetch_after_commit(world.services, world.settings(), applied, ends)
    return world.sandbox.request_counts["reservation"] - asked


async def test_in_time_a_hint_is_followed(world: World) -> None:
    assert await follow(world, 30.0) == 1


async def test_out_of_time_the_event_stands_and_nothing_is_fetched(world: World) -> None:
    assert await follow(world, -1.0) == 0
