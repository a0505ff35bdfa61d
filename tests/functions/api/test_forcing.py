"""A manager has a held plan carried out."""

import json

import pytest

from tests.functions.api.caller import Caller, code_of
from tests.held import held_for_updates
from tests.world import World


async def test_a_forced_plan_is_answered_with_its_report(manager: Caller, world: World) -> None:
    _, held_id = await held_for_updates(world)
    told = (await manager.post(f"reports/{held_id}/force")).json()
    assert (told["status"], told["forcedFrom"]) == ("COMPLETED", held_id)
    assert (len(told["updated"]), told["skipped"]) == (22, [])


async def test_a_held_report_tells_that_it_was_carried_out(manager: Caller, world: World) -> None:
    _, held_id = await held_for_updates(world)
    forced = (await manager.post(f"reports/{held_id}/force")).json()
    told = (await manager.get(f"reports/{held_id}")).json()
    assert told["forcedTo"] == forced["reportId"]
    assert told["forcedAt"] == "2026-03-14T15:00:00Z"


async def test_who_had_it_carried_out_is_logged(
    manager: Caller, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _, held_id = await held_for_updates(world)
    await manager.post(f"reports/{held_id}/force")
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "reconciliation.forced"]
    assert (line["forcedFrom"], line["by"]) == (held_id, "mara")


async def test_a_host_may_not_force(host: Caller, world: World) -> None:
    _, held_id = await held_for_updates(world)
    assert code_of(await host.post(f"reports/{held_id}/force")) == (403, "ROLE_REQUIRED")


async def test_a_plan_is_forced_once(manager: Caller, world: World) -> None:
    _, held_id = await held_for_updates(world)
    await manager.post(f"reports/{held_id}/force")
    refused = await manager.post(f"reports/{held_id}/force")
    assert code_of(refused) == (409, "ALREADY_FORCED")


async def test_only_a_held_plan_is_forced(manager: Caller, world: World) -> None:
    completed = (await world.reconcile())["reportId"]
    assert code_of(await manager.post(f"reports/{completed}/force")) == (409, "NOT_HELD")


async def test_an_unknown_plan_is_not_found(manager: Caller) -> None:
    assert code_of(await manager.post("reports/none/force")) == (404, "NOT_FOUND")
