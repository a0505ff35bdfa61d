"""A lease belongs to one run at a time, and its release costs as few calls as possible."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from shared.concurrency import Deadline
from shared.errors import IntegrationDisabledError, InvalidSettingsError, RunInProgressError
from shared.firestore.leases import Lease, PrefetchedSettings, acquire_lease, prepare_lease
from tests.support.firestore import FirestoreSpy
from tests.support.world import START_TIME, World

STARTED = {"lastStartedAt": START_TIME}

TryAcquireLease = Callable[[str], AbstractAsyncContextManager[Lease | None]]
AcquireLease = Callable[[str], AbstractAsyncContextManager[Lease]]


@pytest.fixture
def try_acquire(world: World, firestore_spy: FirestoreSpy) -> TryAcquireLease:
    def try_acquire(kind: str) -> AbstractAsyncContextManager[Lease | None]:
        # The margin of its lease is a minute.
        ended = Deadline.after(0)
        return acquire_lease(firestore_spy.client, world.clock, world.restaurant.id, kind, ended)

    return try_acquire


@pytest.fixture
def acquire(try_acquire: TryAcquireLease) -> AcquireLease:
    @asynccontextmanager
    async def acquire(kind: str) -> AsyncIterator[Lease]:
        async with try_acquire(kind) as lease:
            assert lease is not None
            yield lease

    return acquire


async def test_an_active_lease_is_not_acquired_twice(
    acquire: AcquireLease, try_acquire: TryAcquireLease
) -> None:
    async with acquire("poll"), try_acquire("poll") as second:
        assert second is None


async def test_a_lease_of_another_kind_is_acquired(acquire: AcquireLease) -> None:
    async with acquire("poll") as lease, acquire("backfill") as other:
        assert other.owner != lease.owner


async def test_an_expired_lease_is_acquired_by_another_run(
    world: World, acquire: AcquireLease
) -> None:
    async with acquire("poll") as lease:
        world.clock.advance(61)
        async with acquire("poll") as later:
            assert later.owner != lease.owner


@pytest.mark.parametrize(
    "expires_at", [START_TIME + timedelta(hours=2), datetime.max.replace(tzinfo=UTC), "soon", 5]
)
async def test_a_lease_damaged_by_hand_blocks_no_run(
    world: World, try_acquire: TryAcquireLease, expires_at: object
) -> None:
    await world.integration_document.update(
        {"poll.lease": {"owner": "another", "expiresAt": expires_at}}
    )
    async with try_acquire("poll") as lease:
        assert lease is not None


async def test_a_restaurant_without_settings_has_no_lease(world: World) -> None:
    with pytest.raises(InvalidSettingsError):
        async with acquire_lease(
            world.context.firestore, world.clock, "none", "poll", Deadline.after(60)
        ):
            pass


async def test_a_lease_without_concurrent_writes_is_released_in_one_call(
    world: World, acquire: AcquireLease, firestore_spy: FirestoreSpy
) -> None:
    async with acquire("poll") as lease:
        firestore_spy.take_calls()
        assert await lease.release({"poll.lastOutcome": "ok"})
    assert firestore_spy.take_calls() == ["commit"]
    assert (await world.read_settings_document())["poll"] == STARTED | {"lastOutcome": "ok"}


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
    assert (await world.read_settings_document())["poll"] == STARTED


async def test_a_lease_is_released_after_concurrent_writes(
    world: World, acquire: AcquireLease
) -> None:
    async with acquire("poll") as lease:
        await world.change_settings(country="US")
        assert await lease.release({"poll.lastOutcome": "ok"})
    stored = await world.read_settings_document()
    assert (stored["poll"], stored["country"]) == (STARTED | {"lastOutcome": "ok"}, "US")


async def test_a_lost_lease_writes_nothing(world: World, acquire: AcquireLease) -> None:
    async with acquire("poll") as lease:
        world.clock.advance(61)
        async with acquire("poll") as later:
            assert not await lease.write({"poll.lastOutcome": "ok"})
            assert not await lease.release({"poll.lastOutcome": "ok"})
            assert "lastOutcome" not in str(await world.read_settings_document())
            assert await later.release({})


StartRun = Callable[..., AbstractAsyncContextManager[Lease]]


@pytest.fixture
def start_leased_run(world: World, firestore_spy: FirestoreSpy) -> StartRun:
    def start(listed: PrefetchedSettings | None = None) -> AbstractAsyncContextManager[Lease]:
        client, restaurant_id = firestore_spy.client, world.restaurant.id
        return prepare_lease(client, world.clock, restaurant_id, "poll", Deadline.after(60), listed)

    return start


async def test_a_run_without_a_change_reads_once_and_writes_once(
    world: World, start_leased_run: StartRun, firestore_spy: FirestoreSpy
) -> None:
    async with start_leased_run() as lease:
        assert await lease.release({"poll.lastOutcome": "ok"})
    assert firestore_spy.take_calls() == ["read", "commit"]
    assert (await world.read_settings_document())["poll"] == STARTED | {"lastOutcome": "ok"}


async def test_of_two_runs_without_a_lease_only_one_acquires_it(start_leased_run: StartRun) -> None:
    async with start_leased_run() as first, start_leased_run() as second:
        await first.ensure_acquired()
        with pytest.raises(RunInProgressError):
            await second.ensure_acquired()


async def test_a_run_ends_without_a_result_if_another_one_has_ended_since(
    world: World, start_leased_run: StartRun
) -> None:
    async with start_leased_run() as slow:
        world.clock.advance(1)
        async with start_leased_run() as fast:
            assert await fast.release({"poll.lastOutcome": "ok"})
        assert not await slow.release({"poll.lastOutcome": "error"})
        with pytest.raises(RunInProgressError):
            await slow.ensure_acquired()
    assert "error" not in str(await world.read_settings_document())


async def test_a_run_does_not_start_while_another_has_the_lease(
    acquire: AcquireLease, start_leased_run: StartRun
) -> None:
    async with acquire("poll"):
        with pytest.raises(RunInProgressError):
            async with start_leased_run():
                pass


async def test_a_run_that_dies_before_its_first_change_leaves_nothing_behind(
    world: World, start_leased_run: StartRun
) -> None:
    before = await world.read_settings_document()
    with pytest.raises(ValueError, match="killed"):
        async with start_leased_run():
            raise ValueError("killed")
    assert await world.read_settings_document() == before


async def test_other_settings_may_change_before_a_lease_is_acquired(
    world: World, start_leased_run: StartRun
) -> None:
    async with start_leased_run() as lease:
        await world.change_settings(country="US")
        await lease.ensure_acquired()
        assert lease.document["country"] == "US"


async def test_a_lease_is_not_acquired_for_another_rid(
    world: World, start_leased_run: StartRun
) -> None:
    async with start_leased_run() as lease:
        await world.change_settings(restaurantId="99")
        with pytest.raises(RunInProgressError):
            await lease.ensure_acquired()


async def test_a_run_of_a_restaurant_disabled_since_changes_nothing(
    world: World, start_leased_run: StartRun
) -> None:
    async with start_leased_run() as lease:
        await world.change_settings(enabled=False)
        with pytest.raises(IntegrationDisabledError):
            await lease.ensure_acquired()
        with pytest.raises(IntegrationDisabledError):
            await lease.release({"poll.lastOutcome": "ok"})
    assert "poll" not in await world.read_settings_document()


@pytest.mark.parametrize("seconds,calls", [(60, []), (0, ["read"])])
async def test_listed_settings_save_the_read_until_they_expire(
    world: World,
    start_leased_run: StartRun,
    firestore_spy: FirestoreSpy,
    seconds: float,
    calls: list[str],
) -> None:
    listed = PrefetchedSettings(await world.integration_document.get(), Deadline.after(seconds))
    async with start_leased_run(listed):
        assert firestore_spy.take_calls() == calls


async def test_settings_changed_since_their_listing_are_read_again(
    world: World, start_leased_run: StartRun
) -> None:
    settings = world.integration_document
    listed = PrefetchedSettings(await settings.get(), Deadline.after(60))
    await settings.update({"country": "US"})
    async with start_leased_run(listed) as lease:
        await lease.ensure_acquired()
        assert lease.document["country"] == "US"
