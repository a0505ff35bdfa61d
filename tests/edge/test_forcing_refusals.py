"""What cannot be forced, and why."""

from datetime import timedelta

import pytest

from shared.edge.leases import Leases
from shared.errors import PlanNotExecutableError
from tests.held import execute_plan, hold_plan_with_updates
from tests.world import World


async def refusal(world: World, report_id: str) -> str:
    with pytest.raises(PlanNotExecutableError) as caught:
        await execute_plan(world, report_id)
    return caught.value.code


async def test_a_plan_is_forced_once(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    await execute_plan(world, held)
    assert await refusal(world, held) == "PLAN_ALREADY_EXECUTED"


async def test_only_a_held_plan_is_forced(world: World) -> None:
    completed = (await world.reconcile())["reportId"]
    assert await refusal(world, completed) == "NOT_HELD"


async def test_the_report_of_a_forced_plan_is_not_forced(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    assert await refusal(world, report["reportId"]) == "NOT_HELD"


async def test_an_unknown_plan_is_not_forced(world: World) -> None:
    assert await refusal(world, "none") == "REPORT_NOT_FOUND"


async def test_no_plan_is_executed_during_a_reconciliation(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    leases = Leases(world.services.firestore, world.clock)
    assert await leases.acquire(world.restaurant.id, "reconciliation", timedelta(minutes=9))
    assert await refusal(world, held) == "RUN_IN_PROGRESS"


async def test_a_refusal_gives_the_lease_back(world: World) -> None:
    await refusal(world, "none")
    assert (await world.reconcile())["status"] == "COMPLETED"
