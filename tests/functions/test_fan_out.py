"""Above a number of restaurants a run enqueues a task for each; a repetition harms nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from msgspec import structs
from msgspec.structs import replace

from functions.http import JsonResult
from functions.poll import ScheduledPollRequest, _poll_restaurants, opentable_poll
from functions.reconcile import ScheduledReconcileRequest, _reconcile_restaurants
from shared.core.body import parse_strict_json
from shared.core.structs import read_struct
from tests.cloud_tasks import FakeCloudTasks, Status, serving_tasks
from tests.driver import Driver
from tests.restaurants import new_restaurant, seed
from tests.world import World, make_world

TICK = "2026-03-14T15:00:00Z"
OTHERS = 3
# As any mapping: keyword arguments of many names are of no one type.
_TOLD: Any = {"x-cloudscheduler-scheduletime": TICK}


@pytest.fixture
async def tasks() -> AsyncIterator[FakeCloudTasks]:
    async with serving_tasks() as fake:
        yield fake


@pytest.fixture
async def world(firestore: AsyncClient, tasks: FakeCloudTasks) -> AsyncIterator[World]:
    """A world of four restaurants, one of which has a book, and a queue for more than two."""
    made = await make_world(firestore)
    for _ in range(OTHERS):
        await seed(firestore, new_restaurant())
    environment = structs.replace(made.services.environment, fan_out_threshold=2)
    services = replace(made.services, environment=environment, queue=tasks.queue())
    yield replace(made, services=services)
    made.executor.shutdown()


async def poll(world: World, tick: str = TICK, **asked: Any) -> JsonResult:
    order = structs.replace(read_struct(ScheduledPollRequest, asked), tick=tick)
    return await _poll_restaurants(world.services, order)


def statuses(answer: JsonResult) -> list[str]:
    listed: Any = answer.body.get("results") or answer.body.get("reports")
    return [one["status"] for one in listed]


async def test_a_poll_enqueues_a_task_a_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    answer = await poll(world)
    assert (answer.status_code, statuses(answer)) == (200, ["queued"] * 4)
    assert {task.http_request.url.rpartition("/")[2] for task in tasks.created} == {
        "opentable-poll"
    }


async def test_a_task_polls_its_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    world.desk.create(world.clock(), 2)
    await poll(world)
    for task in tasks.created:
        await _poll_restaurants(
            world.services,
            read_struct(ScheduledPollRequest, parse_strict_json(task.http_request.body)),
        )
    assert len(await world.ledger()) == 1


async def test_a_repeated_tick_enqueues_nothing_twice(world: World, tasks: FakeCloudTasks) -> None:
    await poll(world)
    again = await poll(world)
    assert (again.status_code, statuses(again)) == (200, ["queued"] * 4)
    assert len(tasks.created) == 4


async def test_the_next_tick_enqueues_anew(world: World, tasks: FakeCloudTasks) -> None:
    await poll(world)
    await poll(world, "2026-03-14T15:15:00Z")
    assert len({task.name for task in tasks.created}) == 8


async def test_one_that_could_not_be_enqueued_is_told_and_the_repetition_enqueues_it(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.refusals.append(Status.PERMISSION_DENIED)
    answer = await poll(world)
    assert (answer.status_code, sorted(statuses(answer))) == (503, ["error", *["queued"] * 3])
    again = await poll(world)
    assert (again.status_code, statuses(again), len(tasks.created)) == (200, ["queued"] * 4, 4)


async def test_a_restaurant_that_is_named_is_polled_here(
    world: World, tasks: FakeCloudTasks
) -> None:
    answer = await poll(world, restaurantId=world.restaurant.id)
    assert (statuses(answer), tasks.created) == (["ok"], [])


async def test_as_many_as_are_allowed_are_polled_here(world: World, tasks: FakeCloudTasks) -> None:
    environment = structs.replace(world.services.environment, fan_out_threshold=4)
    services = replace(world.services, environment=environment)
    answer = await poll(replace(world, services=services))
    assert (len(statuses(answer)), tasks.created) == (4, [])


async def test_without_a_queue_all_are_polled_here(world: World) -> None:
    answer = await poll(replace(world, services=replace(world.services, queue=None)))
    assert "queued" not in statuses(answer)


async def test_a_reconciliation_enqueues_its_orders_with_their_dates(
    world: World, tasks: FakeCloudTasks
) -> None:
    asked = {"startDate": "2026-03-13", "endDate": "2026-03-20", "dryRun": True}
    order = structs.replace(read_struct(ScheduledReconcileRequest, asked), tick=TICK)
    answer = await _reconcile_restaurants(world.services, order)
    assert (answer.status_code, statuses(answer)) == (200, ["QUEUED"] * 4)
    sent = [
        read_struct(ScheduledReconcileRequest, parse_strict_json(one.http_request.body))
        for one in tasks.created
    ]
    assert {(one.start_date, one.end_date, one.is_dry_run) for one in sent} == {
        (order.start_date, order.end_date, True)
    }
    assert len({one.restaurant_id for one in sent}) == 4


async def test_a_reconciliation_that_could_not_be_enqueued_is_told(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.refusals += [Status.NOT_FOUND] * 4
    answer = await _reconcile_restaurants(world.services, ScheduledReconcileRequest())
    assert (answer.status_code, statuses(answer)) == (503, ["FAILED"] * 4)


async def test_the_tick_is_the_schedulers_and_else_the_minute(
    world: World, tasks: FakeCloudTasks
) -> None:
    driver, told = Driver(world), _TOLD
    for _ in range(2):
        assert await driver.call(opentable_poll, b"", **told) == 200
        world.clock.advance(90)
    assert len(tasks.created) == 4
    for _ in range(2):
        assert await driver.call(opentable_poll, b"") == 200
        world.clock.advance(20)
    assert len(tasks.created) == 8
