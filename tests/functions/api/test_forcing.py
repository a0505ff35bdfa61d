"""A manager has a held plan carried out."""

import json

import pytest

from tests.functions.api.caller import StaffApiClient, error_code
from tests.held import hold_plan_with_updates
from tests.world import World


async def test_executing_a_plan_returns_its_report(manager: StaffApiClient, world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    told = (await manager.post(f"reports/{held_id}/force")).json()
    assert (told["status"], told["heldReportId"]) == ("COMPLETED", held_id)
    assert (len(told["updated"]), told["skipped"]) == (22, [])


async def test_an_executed_held_report_is_marked_as_executed(
    manager: StaffApiClient, world: World
) -> None:
    _, held_id = await hold_plan_with_updates(world)
    forced = (await manager.post(f"reports/{held_id}/force")).json()
    told = (await manager.get(f"reports/{held_id}")).json()
    assert told["executedBy"] == forced["reportId"]
    assert told["executedAt"] == "2026-03-14T15:00:00Z"


async def test_who_had_it_carried_out_is_logged(
    manager: StaffApiClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await manager.post(f"reports/{held_id}/force")
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "reconciliation.forced"]
    assert (line["heldReportId"], line["by"]) == (held_id, "mara")


async def test_a_host_may_not_force(host: StaffApiClient, world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    assert error_code(await host.post(f"reports/{held_id}/force")) == (403, "ROLE_REQUIRED")


async def test_a_plan_is_forced_once(manager: StaffApiClient, world: World) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await manager.post(f"reports/{held_id}/force")
    refused = await manager.post(f"reports/{held_id}/force")
    assert error_code(refused) == (409, "PLAN_ALREADY_EXECUTED")


async def test_only_a_held_plan_is_executed(manager: StaffApiClient, world: World) -> None:
    completed = (await world.reconcile())["reportId"]
    assert error_code(await manager.post(f"reports/{completed}/force")) == (409, "NOT_HELD")


async def test_an_unknown_plan_is_not_found(manager: StaffApiClient) -> None:
    assert error_code(await manager.post("reports/none/force")) == (404, "NOT_FOUND")
