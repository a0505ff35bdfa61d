"""A request with `force` executes the plan of a held report."""

from datetime import date

import pytest
import stamina

from functions.http import JsonResult
from functions.reconcile import opentable_reconcile
from sandbox.fault_injection import FailureKind
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from shared.tasks.queue import RECONCILE_FUNCTION
from tests.functions.scheduled_runs import list_entries, run_function
from tests.support.held_plans import hold_plan_with_updates
from tests.support.webhooks import FunctionCaller
from tests.support.world import World


async def force(world: World, report_id: str) -> JsonResult:
    restaurant_id = world.restaurant.id
    return await run_function(
        world, RECONCILE_FUNCTION, restaurantId=restaurant_id, force=report_id
    )


async def test_executing_a_plan_returns_a_normal_report(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    result = await force(world, held_id)
    assert (result.status_code, result.body["restaurants"]) == (200, 1)
    [report] = list_entries(result)
    assert (report["status"], report["updated"]) == ("COMPLETED", 22)


async def test_a_plan_that_was_carried_out_before_is_refused(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await force(world, held_id)
    rejected = await force(world, held_id)
    assert (rejected.status_code, rejected.body["status"]) == (409, "plan_already_executed")
    assert "see report" in str(rejected.body["detail"])


async def test_an_unknown_plan_is_refused(world: World) -> None:
    rejected = await force(world, "none")
    assert (rejected.status_code, rejected.body["status"]) == (404, "report_not_found")


async def test_a_force_that_fails_for_now_is_tried_again_by_its_caller(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=9_999)
    with stamina.set_testing(True, attempts=2):
        assert (await force(world, held_id)).status_code == 503


async def test_a_force_that_opentable_rejects_is_not_tried_again(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await force(world, held_id)).status_code == 200


@pytest.mark.parametrize("name, day", [("startDate", "2024-01-01"), ("endDate", "2029-01-01")])
async def test_a_date_too_far_from_the_default_of_the_other_is_rejected(
    world: World, capsys: pytest.CaptureFixture[str], name: str, day: str
) -> None:
    caller = FunctionCaller(world)
    assert await caller.call(opentable_reconcile, {name: day}) == 400
    assert await caller.call(opentable_reconcile, {name: "9999-12-31"}) == 400
    assert "internal_error" not in capsys.readouterr().out


async def test_a_run_with_too_long_a_window_fails_for_good(world: World) -> None:
    options = ReconciliationOptions(start=date(2024, 1, 1))
    summary = await reconcile_restaurant(world.context, options, world.restaurant.id)
    assert (summary["status"], summary["retryable"]) == ("FAILED", False)
