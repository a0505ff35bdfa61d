"""The rest of a poll's time budget continues running backfills."""

from datetime import timedelta
from typing import Any

from functions.poll import run_backfills
from shared.concurrency import Deadline
from shared.polling.backfill import read_backfill, start_backfill
from shared.tasks.queue import POLL_FUNCTION
from tests.functions.scheduled_runs import list_entries, run_function
from tests.support.world import START_TIME, World


async def poll_one(world: World, **body: Any) -> dict[str, Any]:
    [result] = list_entries(await run_function(world, POLL_FUNCTION, **body))
    return result


async def test_a_poll_carries_a_running_backfill_to_its_end(world: World) -> None:
    world.actions.create(START_TIME - timedelta(days=20), 2)
    await start_backfill(world.context, world.restaurant.id)
    result = await poll_one(world)
    assert (result["status"], result["created"], result["backfill"]) == ("ok", 0, "COMPLETED")
    assert len(await world.ledger_documents()) == 1


async def test_a_poll_without_a_backfill_returns_no_progress(world: World) -> None:
    assert "backfill" not in await poll_one(world)


async def test_a_poll_that_failed_leaves_the_backfill_to_the_next(world: World) -> None:
    begun = await start_backfill(world.context, world.restaurant.id)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await poll_one(world))["status"] == "error"
    assert await read_backfill(world.context, world.restaurant.id) == begun


async def test_a_poll_that_used_its_budget_up_leaves_it_running(world: World) -> None:
    begun = await start_backfill(world.context, world.restaurant.id)
    results = [{"restaurantId": world.restaurant.id, "backfill": "RUNNING"}]
    await run_backfills(world.context, results, Deadline.after(0))
    assert results[0]["backfill"] == "RUNNING"
    assert await read_backfill(world.context, world.restaurant.id) == begun


async def test_a_backfill_only_request_does_not_poll(world: World) -> None:
    world.actions.create(START_TIME - timedelta(days=20), 2)
    await start_backfill(world.context, world.restaurant.id)
    result = await poll_one(world, restaurantId=world.restaurant.id, backfill=True)
    expected = {"restaurantId": world.restaurant.id, "status": "ok", "backfill": "COMPLETED"}
    assert result == expected
    assert len(await world.ledger_documents()) == 1
