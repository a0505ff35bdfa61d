"""What a webhook fetches after its commit never makes its answer late."""

import asyncio

from functions.webhook import _fetch_after_commit
from shared.edge.ledger import ApplyResult
from tests.world import START_TIME, World


async def apply_relay_event(world: World) -> ApplyResult:
    """Return what became of an envelope that calls for OpenTable's own row."""
    booked = world.desk.create(START_TIME, 2)
    await world.poll()
    applied = await world.ingest_envelope("updated", reservationId=booked.key, partySize=5)
    assert isinstance(applied, ApplyResult)
    assert applied.needs_refetch
    return applied


async def refetch_with_seconds_left(world: World, seconds: float) -> int:
    """Follow a hint with so many seconds left; return how often OpenTable was asked."""
    applied = await apply_relay_event(world)
    asked = world.sandbox.request_counts["reservation"]
    ends = asyncio.get_running_loop().time() + seconds
    await _fetch_after_commit(world.services, world.settings(), applied, ends)
    return world.sandbox.request_counts["reservation"] - asked


async def test_with_time_left_the_row_is_refetched(world: World) -> None:
    assert await refetch_with_seconds_left(world, 30.0) == 1


async def test_without_time_left_nothing_is_refetched(world: World) -> None:
    assert await refetch_with_seconds_left(world, -1.0) == 0
