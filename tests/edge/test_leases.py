"""A lease is one run's at a time, and given back with as few calls as can be."""

from datetime import timedelta

import pytest

from shared.edge import paths
from shared.edge.leases import Lease, Leases
from tests.wire import Wire
from tests.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def leases(world: World, wire: Wire) -> Leases:
    return Leases(wire.client, world.clock)


@pytest.fixture
async def lease(world: World, leases: Leases) -> Lease:
    taken = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert taken is not None
    return taken


async def stored(world: World) -> dict[str, object]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return dict((await settings.get()).to_dict() or {})


async def test_one_that_is_held_is_not_taken(world: World, leases: Leases, lease: Lease) -> None:
    assert lease.owner
    assert await leases.acquire(world.restaurant.id, "poll", MINUTE) is None


async def test_one_of_another_kind_is(world: World, leases: Leases, lease: Lease) -> None:
    other = await leases.acquire(world.restaurant.id, "backfill", MINUTE)
    assert other is not None
    assert other.owner != lease.owner


async def test_one_that_expired_is_taken(world: World, leases: Leases, lease: Lease) -> None:
    world.clock.advance(61)
    later = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert later is not None
    assert later.owner != lease.owner


async def test_where_nobody_wrote_since_it_ends_in_one_call(
    world: World, leases: Leases, lease: Lease, wire: Wire
) -> None:
    wire.counted()
    assert await leases.release(lease, {"poll.lastOutcome": "ok"})
    assert wire.counted() == ["commit"]
    assert (await stored(world))["poll"] == {"lastOutcome": "ok"}


async def test_where_somebody_wrote_since_it_ends_all_the_same(
    world: World, leases: Leases, lease: Lease
) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"country": "US"})
    assert await leases.release(lease, {"poll.lastOutcome": "ok"})
    held = await stored(world)
    assert (held["poll"], held["country"]) == ({"lastOutcome": "ok"}, "US")


async def test_one_that_another_run_holds_by_now_ends_nothing(
    world: World, leases: Leases, lease: Lease
) -> None:
    world.clock.advance(61)
    later = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert later is not None
    assert not await leases.release(lease, {"poll.lastOutcome": "ok"})
    assert "lastOutcome" not in str(await stored(world))
    assert await leases.release(later, {})
