"""The scheduled function carries a held plan out where its body names one."""

from typing import Any

import pytest

from functions.http import JsonResult
from functions.reconcile import ScheduledReconcileRequest, _reconcile_restaurants
from shared.domain.webhook_auth.credentials import InvalidFieldsError, read_struct
from tests.support.held_plans import hold_plan_with_updates
from tests.support.world import World


async def force(world: World, report_id: str) -> JsonResult:
    body = {"restaurantId": world.restaurant.id, "force": report_id}
    return await _reconcile_restaurants(
        world.services, read_struct(ScheduledReconcileRequest, body)
    )


async def test_executing_a_plan_returns_a_normal_report(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    answer = await force(world, held_id)
    assert (answer.status_code, answer.body["restaurants"]) == (200, 1)
    reports: Any = answer.body["reports"]
    [report] = reports
    assert (report["status"], report["updated"]) == ("COMPLETED", 22)


async def test_a_plan_that_was_carried_out_before_is_refused(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await force(world, held_id)
    refused = await force(world, held_id)
    assert (refused.status_code, refused.body["status"]) == (409, "plan_already_executed")
    assert "See report" in str(refused.body["detail"])


async def test_an_unknown_plan_is_refused(world: World) -> None:
    refused = await force(world, "none")
    assert (refused.status_code, refused.body["status"]) == (404, "report_not_found")


async def test_a_force_that_fails_is_tried_again_by_its_caller(world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await force(world, held_id)).status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        {"force": "r"},
        {"force": "r", "restaurantId": "a", "dryRun": True},
        {"force": "r", "restaurantId": "a", "startDate": "2026-03-09"},
        {"force": "r", "restaurantId": "a", "endDate": "2026-03-09"},
        {"force": "a/b", "restaurantId": "a"},
    ],
)
def test_a_force_request_contains_only_one_plan(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidFieldsError):
        read_struct(ScheduledReconcileRequest, body)
