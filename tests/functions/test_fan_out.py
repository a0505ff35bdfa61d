"""With many restaurants a run enqueues tasks for them; a repeated run enqueues none twice."""

from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from functions.http import JsonResult
from functions.poll import ScheduledPollRequest, opentable_poll, poll_restaurants
from functions.reconcile import ScheduledReconcileRequest, reconcile_restaurants
from shared.domain.http_messages import parse_strict_json
from shared.domain.validation import read_struct
from shared.firestore.raw_client import FirestoreClient
from tests.support.cloud_tasks import FakeCloudTasks, Status
from tests.support.restaurants import new_restaurant, seed
from tests.support.webhooks import FunctionCaller
from tests.support.world import World

SCHEDULE_TIME = "2026-03-14T15:00:00Z"
OTHER_RESTAURANTS = 3
# Any: the keyword arguments have several types.
_RUN_REQUEST: Any = {"x-cloudscheduler-scheduletime": SCHEDULE_TIME}


@pytest.fixture(autouse=True)
async def _four_restaurants(
    world: World, firestore: FirestoreClient, tasks: FakeCloudTasks
) -> None:
    """Four restaurants, and a queue for more than two, with a task for each."""
    for _ in range(OTHER_RESTAURANTS):
        await seed(firestore, new_restaurant())
    environment = structs.replace(
        world.context.environment, fan_out_threshold=2, restaurants_per_task=1
    )
    world.context = replace(world.context, environment=environment, queue=tasks.task_queue())


async def poll_all(world: World, tick: str = SCHEDULE_TIME, **body: Any) -> JsonResult:
    request = structs.replace(read_struct(ScheduledPollRequest, body), tick=tick)
    return await poll_restaurants(world.context, request)


def statuses(result: JsonResult) -> list[str]:
    listed: Any = result.body.get("results") or result.body.get("reports")
    return [one["status"] for one in listed]


async def test_a_poll_enqueues_a_task_a_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    result = await poll_all(world)
    assert (result.status_code, statuses(result)) == (200, ["queued"] * 4)
    assert {task.http_request.url.rpartition("/")[2] for task in tasks.created} == {
        "opentable-poll"
    }


def use_large_tasks(world: World) -> World:
    environment = structs.replace(world.context.environment, restaurants_per_task=3)
    return replace(world, context=replace(world.context, environment=environment))


async def test_a_task_may_process_several_restaurants(world: World, tasks: FakeCloudTasks) -> None:
    world = use_large_tasks(world)
    world.actions.create(world.clock(), 2)
    result = await poll_all(world)
    assert (result.status_code, statuses(result), len(tasks.created)) == (200, ["queued"] * 4, 2)
    polled: list[str] = []
    for task in tasks.created:
        body = parse_strict_json(task.http_request.body)
        listed: Any = (
            await poll_restaurants(world.context, read_struct(ScheduledPollRequest, body))
        ).body["results"]
        polled += [entry["restaurantId"] for entry in listed]
    queued: Any = result.body["results"]
    # Tasks are enqueued concurrently, so their order is open.
    assert sorted(polled) == sorted(entry["restaurantId"] for entry in queued)
    assert len(await world.ledger_documents()) == 1


async def test_all_restaurants_of_a_task_that_was_not_enqueued_are_reported(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.next_statuses.append(Status.PERMISSION_DENIED)
    result = await poll_all(use_large_tasks(world))
    assert result.status_code == 503
    assert sorted(statuses(result)) in (["error", *["queued"] * 3], [*["error"] * 3, "queued"])


async def test_the_tasks_of_the_schedule_leave_the_days_to_it(
    world: World, tasks: FakeCloudTasks
) -> None:
    await reconcile_restaurants(use_large_tasks(world).context, ScheduledReconcileRequest())
    bodies = [parse_strict_json(task.http_request.body) for task in tasks.created]
    assert [body["scheduled"] for body in bodies] == [True, True]


async def test_a_task_polls_its_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    world.actions.create(world.clock(), 2)
    await poll_all(world)
    for task in tasks.created:
        await poll_restaurants(
            world.context,
            read_struct(ScheduledPollRequest, parse_strict_json(task.http_request.body)),
        )
    assert len(await world.ledger_documents()) == 1


async def test_a_repeated_tick_enqueues_nothing_twice(world: World, tasks: FakeCloudTasks) -> None:
    await poll_all(world)
    repeated = await poll_all(world)
    assert (repeated.status_code, statuses(repeated)) == (200, ["queued"] * 4)
    assert len(tasks.created) == 4


async def test_the_next_tick_enqueues_anew(world: World, tasks: FakeCloudTasks) -> None:
    await poll_all(world)
    await poll_all(world, "2026-03-14T15:15:00Z")
    assert len({task.name for task in tasks.created}) == 8


async def test_a_task_that_was_not_enqueued_is_reported_and_enqueued_by_the_retry(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.next_statuses.append(Status.PERMISSION_DENIED)
    result = await poll_all(world)
    assert (result.status_code, sorted(statuses(result))) == (503, ["error", *["queued"] * 3])
    repeated = await poll_all(world)
    assert (repeated.status_code, statuses(repeated), len(tasks.created)) == (
        200,
        ["queued"] * 4,
        4,
    )


async def test_a_requested_restaurant_is_polled_in_process(
    world: World, tasks: FakeCloudTasks
) -> None:
    result = await poll_all(world, restaurantId=world.restaurant.id)
    assert (statuses(result), tasks.created) == (["ok"], [])


async def test_restaurants_up_to_the_limit_are_polled_in_process(
    world: World, tasks: FakeCloudTasks
) -> None:
    environment = structs.replace(world.context.environment, fan_out_threshold=4)
    context = replace(world.context, environment=environment)
    result = await poll_all(replace(world, context=context))
    assert (len(statuses(result)), tasks.created) == (4, [])


async def test_without_a_queue_all_restaurants_are_polled_in_process(world: World) -> None:
    result = await poll_all(replace(world, context=replace(world.context, queue=None)))
    assert "queued" not in statuses(result)


async def test_a_reconciliation_enqueues_requests_with_their_dates(
    world: World, tasks: FakeCloudTasks
) -> None:
    body = {"startDate": "2026-03-13", "endDate": "2026-03-20", "dryRun": True}
    request = structs.replace(read_struct(ScheduledReconcileRequest, body), tick=SCHEDULE_TIME)
    result = await reconcile_restaurants(world.context, request)
    assert (result.status_code, statuses(result)) == (200, ["QUEUED"] * 4)
    sent = [
        read_struct(ScheduledReconcileRequest, parse_strict_json(one.http_request.body))
        for one in tasks.created
    ]
    assert {(one.start_date, one.end_date, one.is_dry_run) for one in sent} == {
        (request.start_date, request.end_date, True)
    }
    assert len({one.restaurant_id for one in sent}) == 4


async def test_a_reconciliation_that_was_not_enqueued_is_reported(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.next_statuses += [Status.NOT_FOUND] * 4
    result = await reconcile_restaurants(world.context, ScheduledReconcileRequest())
    assert (result.status_code, statuses(result)) == (503, ["FAILED"] * 4)


async def test_the_schedule_time_is_from_the_scheduler_or_the_current_minute(
    world: World, tasks: FakeCloudTasks
) -> None:
    driver, request = FunctionCaller(world), _RUN_REQUEST
    for _ in range(2):
        assert await driver.call(opentable_poll, b"", **request) == 200
        world.clock.advance(90)
    assert len(tasks.created) == 4
    for _ in range(2):
        assert await driver.call(opentable_poll, b"") == 200
        world.clock.advance(20)
    assert len(tasks.created) == 8
