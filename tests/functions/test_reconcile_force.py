"""The scheduled function carries a held plan out where its body names one."""

from typing import Any

import pytest

from functions.http import JsonResult
from functions.reconcile import ScheduledReconcileRequest, _reconcile_restaurants
from shared.core.structs import InvalidFieldsError, read_struct
from tests.held import held_for_updates
from tests.world import World


async def force(world: World, report_id: str) -> JsonResult:
    body = {"restaurantId": world.restaurant.id, "force": report_id}
    return await _reconcile_restaurants(
        world.services, read_struct(ScheduledReconcileRequest, body)
    )


async def test_a_forced_plan_is_answered_like_any_report(world: World) -> None:
    _, held_id = await held_for_updates(world)
    answer = await force(world, held_id)
    assert (answer.status_code, answer.body["restaurants"]) == (200, 1)
    reports: Any = answer.body["reports"]
    [report] = reports
    assert (report["status"], report["updated"]) == ("COMPLETED", 22)


async def test_a_plan_that_was_carried_out_before_is_refused(world: World) -> None:
    _, held_id = await held_for_updates(world)
    await force(world, held_id)
    refused = await force(world, held_id)
    assert (refused.status_code, refused.body["status"]) == (409, "already_forced")
    assert "see report" in str(refused.body["detail"])


async def test_an_unknown_plan_is_refused(world: World) -> None:
    refused = await force(world, "none")
    assert (refused.status_code, refused.body["status"]) == (404, "no_such_report")


async def test_a_force_that_fails_is_tried_again_by_its_caller(world: World) -> None:
    _, held_id = await held_for_updates(world)
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
def test_an_order_to_force_names_one_plan_and_nothing_else(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidFieldsError):
        read_struct(ScheduledReconcileRequest, body)
