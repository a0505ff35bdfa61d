"""A disabled restaurant is not changed, not even by a run that was planned before."""

import asyncio
from typing import Any

import httpx
import pytest

from dev.local.emulator import Emulator
from shared.firestore import paths
from shared.polling.backfill import read_backfill, start_backfill
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION, InProcessTaskQueue, QueuedTask
from tests.functions.scheduled_runs import list_entries, run_function
from tests.support.held_plans import hold_plan_with_updates
from tests.support.processes import serve_deployed_function
from tests.support.restaurants import new_restaurant, seed
from tests.support.world import START_TIME, World

RECONCILIATIONS = [{}, {"dryRun": True}, {"startDate": "2026-03-14", "endDate": "2026-03-15"}]


async def run_for_restaurant(world: World, function_name: str, **body: Any) -> dict[str, Any]:
    """Run a function for the world's restaurant, and return its entry in the response."""
    result = await run_function(world, function_name, restaurantId=world.restaurant.id, **body)
    assert result.status_code == 200
    [entry] = list_entries(result)
    return entry


@pytest.mark.parametrize("value", [False, None, "true", 1])
async def test_a_requested_poll_of_a_disabled_restaurant_does_nothing(
    world: World, value: object
) -> None:
    world.actions.create(START_TIME, 2)
    await world.change_settings(enabled=value)
    before = await world.all_documents()
    assert (await run_for_restaurant(world, POLL_FUNCTION))["status"] == "disabled"
    assert await world.all_documents() == before


@pytest.mark.parametrize("options", RECONCILIATIONS)
async def test_a_requested_reconciliation_of_a_disabled_restaurant_does_nothing(
    world: World, options: dict[str, object]
) -> None:
    world.actions.create(START_TIME, 2)
    await world.change_settings(enabled=False)
    before = await world.all_documents()
    result = await run_for_restaurant(world, RECONCILE_FUNCTION, **options)
    assert result["status"] == "disabled"
    assert await world.all_documents() == before


async def test_a_backfill_stops_while_the_restaurant_is_disabled(world: World) -> None:
    begun = await start_backfill(world.context, world.restaurant.id)
    await world.change_settings(enabled=False)
    result = await run_for_restaurant(world, POLL_FUNCTION, backfill=True)
    assert result["status"] == "disabled"
    assert await read_backfill(world.context, world.restaurant.id) == begun
    await world.change_settings(enabled=True)
    result = await run_for_restaurant(world, POLL_FUNCTION, backfill=True)
    assert result["backfill"] == "COMPLETED"


async def test_a_held_plan_of_a_disabled_restaurant_is_not_executed(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await world.change_settings(enabled=False)
    before = await world.all_documents()
    result = await run_for_restaurant(world, RECONCILE_FUNCTION, force=held_id)
    assert result["status"] == "disabled"
    assert await world.all_documents() == before
    await world.change_settings(enabled=True)
    result = await run_for_restaurant(world, RECONCILE_FUNCTION, force=held_id)
    assert result["status"] == "COMPLETED"


async def test_a_task_that_was_queued_before_the_restaurant_was_disabled_does_nothing(
    world: World,
) -> None:
    results = []
    is_disabled = asyncio.Event()

    async def deliver(task: QueuedTask) -> None:
        await is_disabled.wait()
        results.append(await run_for_restaurant(world, task.function_name, **task.body))

    queue = InProcessTaskQueue(deliver)
    await queue.enqueue(QueuedTask(RECONCILE_FUNCTION, {}, "tick"))
    await world.change_settings(enabled=False)
    is_disabled.set()
    await queue.wait_until_empty()
    assert [result["status"] for result in results] == ["disabled"]


async def test_served_functions_leave_a_disabled_restaurant_alone(
    emulator: Emulator, world: World
) -> None:
    restaurant = new_restaurant()
    client = world.context.firestore
    await seed(client, restaurant, enabled=False)
    variables = {
        "GOOGLE_CLOUD_PROJECT": client.project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
    }
    body = {"restaurantId": restaurant.id}
    async with httpx.AsyncClient(timeout=60) as http:
        with serve_deployed_function("opentable_poll", **variables) as function:
            polled = await http.post(function.url, json=body)
        with serve_deployed_function("opentable_reconcile", **variables) as function:
            misspelled = await http.post(function.url, json=body | {"dryrun": True})
            reconciled = await http.post(function.url, json=body)
    assert (misspelled.status_code, misspelled.json()["fields"]) == (400, ["dryrun"])
    assert (polled.status_code, polled.json()["results"][0]["status"]) == (200, "disabled")
    assert (reconciled.status_code, reconciled.json()["reports"][0]["status"]) == (200, "disabled")
    snapshot = await paths.integration_document(client, restaurant.id).get()
    assert snapshot.to_dict() == restaurant.document(enabled=False)
