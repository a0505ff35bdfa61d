"""A lease is one run's at a time, and given back with as few calls as can be."""

from datetime import timedelta

import pytest

from shared.firestore import paths
from shared.firestore.leases import Lease, Leases
from tests.support.firestore import FirestoreSpy
from tests.support.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def leases(world: World, firestore_spy: FirestoreSpy) -> Leases:
    return Leases(firestore_spy.client, world.clock)


@pytest.fixture
async def lease(world: World, leases: Leases) -> Lease:
    taken = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert taken is not None
    return taken


async def read_settings_document(world: World) -> dict[str, object]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return dict((await settings.get()).to_dict() or {})


async def test_an_active_lease_is_not_taken(world: World, leases: Leases, lease: Lease) -> None:
    assert lease.owner
    assert await leases.acquire(world.restaurant.id, "poll", MINUTE) is None


async def test_a_lease_of_another_kind_is_taken(world: World, leases: Leases, lease: Lease) -> None:
    other = await leases.acquire(world.restaurant.id, "backfill", MINUTE)
    assert other is not None
    assert other.owner != lease.owner


async def test_an_expired_lease_is_taken(world: World, leases: Leases, lease: Lease) -> None:
    world.clock.advance(61)
    later = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert later is not None
    assert later.owner != lease.owner


async def test_a_lease_without_concurrent_writes_ends_in_one_call(
    world: World, leases: Leases, lease: Lease, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.take_calls()
    assert await leases.release(lease, {"poll.lastOutcome": "ok"})
    assert firestore_spy.take_calls() == ["commit"]
    assert (await read_settings_document(world))["poll"] == {"lastOutcome": "ok"}


async def test_a_lease_ends_after_concurrent_writes(
    world: World, leases: Leases, lease: Lease
) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"country": "US"})
    assert await leases.release(lease, {"poll.lastOutcome": "ok"})
    held = await read_settings_document(world)
    assert (held["poll"], held["country"]) == ({"lastOutcome": "ok"}, "US")


async def test_a_lease_of_another_run_is_not_ended(
    world: World, leases: Leases, lease: Lease
) -> None:
    world.clock.advance(61)
    later = await leases.acquire(world.restaurant.id, "poll", MINUTE)
    assert later is not None
    assert not await leases.release(lease, {"poll.lastOutcome": "ok"})
    assert "lastOutcome" not in str(await read_settings_document(world))
    assert await leases.release(later, {})
