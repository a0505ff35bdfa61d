"""A poll says what keeps a restaurant's webhooks out, in its log and in the settings."""

import json
from typing import Any

import pytest

from shared.edge import paths
from tests.world import World

CapturedOutput = pytest.CaptureFixture[str]


async def stored_problems(world: World) -> list[str]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    poll: dict[str, Any] = (await settings.get()).get("poll")
    found: list[str] = poll["problems"]
    return found


def logged_problems(capsys: CapturedOutput) -> list[str]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line["problem"] for line in lines if line["event"] == "settings.warning"]


async def delete_rid_claim(world: World) -> None:
    await paths.rid_claim_document(world.services.firestore, world.restaurant.rid).delete()


async def test_correct_stored_settings_have_no_problem(
    world: World, capsys: CapturedOutput
) -> None:
    await world.poll()
    assert (await stored_problems(world), logged_problems(capsys)) == ([], [])


async def test_a_missing_rid_claim_is_logged_once_per_poll(
    world: World, capsys: CapturedOutput
) -> None:
    await delete_rid_claim(world)
    await world.poll()
    [problem] = logged_problems(capsys)
    assert problem.startswith(f"openTableRids/{world.restaurant.rid} does not exist")
    assert await stored_problems(world) == [problem]


async def test_a_poll_with_a_problem_polls_all_the_same(world: World) -> None:
    await delete_rid_claim(world)
    assert (await world.poll())["status"] == "ok"


async def test_a_route_that_cannot_be_one_is_none(world: World) -> None:
    route = paths.rid_claim_document(world.services.firestore, world.restaurant.rid)
    await route.set({"restaurantId": 7})
    await world.poll()
    assert "does not exist" in (await stored_problems(world))[0]


async def test_an_empty_webhook_auth_is_logged(world: World, capsys: CapturedOutput) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"webhookAuth": []})
    await world.poll()
    assert logged_problems(capsys)[0].startswith("webhookAuth is empty")


async def test_a_fixed_problem_disappears_with_the_next_poll(world: World) -> None:
    await delete_rid_claim(world)
    await world.poll()
    route = paths.rid_claim_document(world.services.firestore, world.restaurant.rid)
    await route.set({"restaurantId": world.restaurant.id})
    await world.poll()
    assert await stored_problems(world) == []
