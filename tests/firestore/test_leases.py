"""A lease belongs to one run at a time, and its release costs as few calls as possible."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.firestore.leases import Lease, acquire_lease
from tests.support.firestore import FirestoreSpy
from tests.support.world import START_TIME, World

STARTED = {"lastStartedAt": START_TIME}

AcquireLease = Callable[[str], AbstractAsyncContextManager[Lease | None]]


@pytest.fixture
def acquire(world: World, firestore_spy: FirestoreSpy) -> AcquireLease:
    def acquire(kind: str) -> AbstractAsyncContextManager[Lease | None]:
        minute = timedelta(minutes=1)
        return acquire_lease(firestore_spy.client, world.clock, world.restaurant.id, kind, minute)

    return acquire


async def read_settings_document(world: World) -> dict[str, object]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return dict((await settings.get()).to_dict() or {})


async def test_an_active_lease_is_not_acquired_twice(acquire: AcquireLease) -> None:
    async with acquire("poll") as lease, acquire("poll") as second:
        assert lease is not None
        assert second is None


async def test_a_lease_of_another_kind_is_acquired(acquire: AcquireLease) -> None:
    async with acquire("poll") as lease, acquire("backfill") as other:
        assert lease is not None
        assert other is not None
        assert other.owner != lease.owner


async def test_an_expired_lease_is_acquired_by_another_run(
    world: World, acquire: AcquireLease
) -> None:
    async with acquire("poll") as lease:
        world.clock.advance(61)
        async with acquire("poll") as later:
            assert lease is not None
            assert later is not None
            assert later.owner != lease.owner


async def test_a_restaurant_without_settings_has_no_lease(world: World) -> None:
    with pytest.raises(InvalidSettingsError):
        async with acquire_lease(
            world.services.firestore, world.clock, "none", "poll", timedelta(minutes=1)
        ):
            pass


async def test_a_lease_without_concurrent_writes_is_released_in_one_call(
    world: World, acquire: AcquireLease, firestore_spy: FirestoreSpy
) -> None:
    async with acquire("poll") as lease:
        firestore_spy.take_calls()
        assert lease is not None
        assert await lease.release({"poll.lastOutcome": "ok"})
    assert firestore_spy.take_calls() == ["commit"]
    assert (await read_settings_document(world))["poll"] == STARTED | {"lastOutcome": "ok"}


@pytest.mark.parametrize("error", [None, ValueError])
async def test_the_end_of_the_block_releases_the_lease(
    world: World, acquire: AcquireLease, error: type[Exception] | None
) -> None:
    try:
        async with acquire("poll"):
            if error:
                raise error
    except ValueError:
        pass
    assert (await read_settings_document(world))["poll"] == STARTED


async def test_a_lease_is_released_after_concurrent_writes(
    world: World, acquire: AcquireLease
) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    async with acquire("poll") as lease:
        await settings.update({"country": "US"})
        assert lease is not None
        assert await lease.release({"poll.lastOutcome": "ok"})
    stored = await read_settings_document(world)
    assert (stored["poll"], stored["country"]) == (STARTED | {"lastOutcome": "ok"}, "US")


async def test_a_lost_lease_writes_nothing(world: World, acquire: AcquireLease) -> None:
    async with acquire("poll") as lease:
        world.clock.advance(61)
        async with acquire("poll") as later:
            assert lease is not None
            assert later is not None
            assert not await lease.write({"poll.lastOutcome": "ok"})
            assert not await lease.release({"poll.lastOutcome": "ok"})
            assert "lastOutcome" not in str(await read_settings_document(world))
            assert await later.release({})
