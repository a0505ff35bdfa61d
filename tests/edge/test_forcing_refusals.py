"""What cannot be forced, and why."""

from datetime import timedelta

import pytest

from shared.edge.leases import Leases
from shared.errors import PlanNotExecutableError
from tests.held import force, held_for_updates
from tests.world import World


async def refusal(world: World, report_id: str) -> str:
    with pytest.raises(PlanNotExecutableError) as caught:
        await force(world, report_id)
    return caught.value.code


async def test_a_plan_is_forced_once(world: World) -> None:
    _, held = await held_for_updates(world)
    await force(world, held)
    assert await refusal(world, held) == "ALREADY_FORCED"


async def test_only_a_held_plan_is_forced(world: World) -> None:
    completed = (await world.reconcile())["reportId"]
    assert await refusal(world, completed) == "NOT_HELD"


async def test_the_report_of_a_forced_plan_is_not_forced(world: World) -> None:
    _, held = await held_for_updates(world)
    report = await force(world, held)
    assert await refusal(world, report["reportId"]) == "NOT_HELD"


async def test_an_unknown_plan_is_not_forced(world: World) -> None:
    assert await refusal(world, "none") == "NO_SUCH_REPORT"


async def test_no_plan_is_forced_while_a_reconciliation_runs(world: World) -> None:
    _, held = await held_for_updates(world)
    leases = Leases(world.services.firestore, world.clock)
    assert await leases.acquire(world.restaurant.id, "reconciliation", timedelta(minutes=9))
    assert await refusal(world, held) == "RUN_UNDER_WAY"


async def test_a_refusal_gives_the_lease_back(world: World) -> None:
    await refusal(world, "none")
    assert (await world.reconcile())["status"] == "COMPLETED"
