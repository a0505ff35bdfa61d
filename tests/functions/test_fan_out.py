"""With many restaurants a run enqueues tasks for them; a repeated run enqueues none twice."""

from typing import Any

import pytest
from msgspec.structs import replace

from functions.http import JsonResult
from functions.poll import opentable_poll
from functions.reconcile import ScheduledReconcileRequest
from shared.domain.http_messages import parse_strict_json
from shared.domain.validation import read_struct
from shared.firestore.raw_client import FirestoreClient
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION
from tests.functions.scheduled_runs import (
    change_environment,
    list_entries,
    list_statuses,
    run_function,
)
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
    limited = change_environment(world, fan_out_threshold=2, restaurants_per_task=1)
    world.context = replace(limited.context, queue=tasks.task_queue())


async def poll_all(world: World, tick: str = SCHEDULE_TIME) -> JsonResult:
    return await run_function(world, POLL_FUNCTION, tick)


async def poll_by_tasks(world: World, tasks: FakeCloudTasks) -> list[dict[str, Any]]:
    """Call the poll as each task does, and return the entries of all responses."""
    bodies = [parse_strict_json(task.http_request.body) for task in tasks.created]
    results = [await run_function(world, POLL_FUNCTION, **body) for body in bodies]
    return [entry for result in results for entry in list_entries(result)]


async def test_a_poll_enqueues_a_task_a_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    result = await poll_all(world)
    assert (result.status_code, list_statuses(result)) == (200, ["queued"] * 4)
    assert {task.http_request.url.rpartition("/")[2] for task in tasks.created} == {
        "opentable-poll"
    }


async def test_a_task_may_process_several_restaurants(world: World, tasks: FakeCloudTasks) -> None:
    world = change_environment(world, restaurants_per_task=3)
    world.actions.create(world.clock(), 2)
    result = await poll_all(world)
    assert (result.status_code, list_statuses(result)) == (200, ["queued"] * 4)
    assert len(tasks.created) == 2
    polled_ids = [entry["restaurantId"] for entry in await poll_by_tasks(world, tasks)]
    # Tasks are enqueued concurrently, so their order is open.
    assert sorted(polled_ids) == sorted(entry["restaurantId"] for entry in list_entries(result))
    assert len(await world.ledger_documents()) == 1


async def test_all_restaurants_of_a_task_that_was_not_enqueued_are_reported(
    world: World, tasks: FakeCloudTasks
) -> None:
    tasks.next_statuses.append(Status.PERMISSION_DENIED)
    result = await poll_all(change_environment(world, restaurants_per_task=3))
    assert result.status_code == 503
    assert sorted(list_statuses(result)) in (["error", *["queued"] * 3], [*["error"] * 3, "queued"])


async def test_the_tasks_of_the_schedule_leave_the_days_to_it(
    world: World, tasks: FakeCloudTasks
) -> None:
    await run_function(change_environment(world, restaurants_per_task=3), RECONCILE_FUNCTION)
    bodies = [parse_strict_json(task.http_request.body) for task in tasks.created]
    assert [body["scheduled"] for body in bodies] == [True, True]


async def test_a_task_polls_its_restaurant(world: World, tasks: FakeCloudTasks) -> None:
    world.actions.create(world.clock(), 2)
    await poll_all(world)
    await poll_by_tasks(world, tasks)
    assert len(await world.ledger_documents()) == 1


async def test_a_repeated_tick_enqueues_nothing_twice(world: World, tasks: FakeCloudTasks) -> None:
    await poll_all(world)
    repeated = await poll_all(world)
    assert (repeated.status_code, list_statuses(repeated)) == (200, ["queued"] * 4)
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
    assert (result.status_code, sorted(list_statuses(result))) == (503, ["error", *["queued"] * 3])
    repeated = await poll_all(world)
    assert (repeated.status_code, list_statuses(repeated)) == (200, ["queued"] * 4)
    assert len(tasks.created) == 4


async def test_a_requested_restaurant_is_polled_in_process(
    world: World, tasks: FakeCloudTasks
) -> None:
    result = await run_function(world, POLL_FUNCTION, restaurantId=world.restaurant.id)
    assert (list_statuses(result), tasks.created) == (["ok"], [])


async def test_restaurants_up_to_the_limit_are_polled_in_process(
    world: World, tasks: FakeCloudTasks
) -> None:
    result = await poll_all(change_environment(world, fan_out_threshold=4))
    assert (len(list_statuses(result)), tasks.created) == (4, [])


async def test_without_a_queue_all_restaurants_are_polled_in_process(world: World) -> None:
    result = await poll_all(replace(world, context=replace(world.context, queue=None)))
    assert "queued" not in list_statuses(result)


async def test_a_reconciliation_enqueues_requests_with_their_dates(
    world: World, tasks: FakeCloudTasks
) -> None:
    body = {"startDate": "2026-03-13", "endDate": "2026-03-20", "dryRun": True}
    request = read_struct(ScheduledReconcileRequest, body)
    result = await run_function(world, RECONCILE_FUNCTION, SCHEDULE_TIME, **body)
    assert (result.status_code, list_statuses(result)) == (200, ["QUEUED"] * 4)
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
    result = await run_function(world, RECONCILE_FUNCTION)
    assert (result.status_code, list_statuses(result)) == (503, ["FAILED"] * 4)


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
