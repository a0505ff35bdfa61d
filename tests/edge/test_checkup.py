"""A poll says what keeps a restaurant's webhooks out, in its log and in the settings."""

import json
from typing import Any

import pytest

from shared.edge import paths
from tests.world import World

Output = pytest.CaptureFixture[str]


async def problems(world: World) -> list[str]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    poll: dict[str, Any] = (await settings.get()).get("poll")
    found: list[str] = poll["problems"]
    return found


def told(capsys: Output) -> list[str]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line["problem"] for line in lines if line["event"] == "settings.doubtful"]


async def unroute(world: World) -> None:
    await paths.rid_claim_document(world.services.firestore, world.restaurant.rid).delete()


async def test_a_restaurant_that_is_set_up_well_has_no_problem(
    world: World, capsys: Output
) -> None:
    await world.poll()
    assert (await problems(world), told(capsys)) == ([], [])


async def test_a_rid_without_its_route_is_told_once_a_poll(world: World, capsys: Output) -> None:
    await unroute(world)
    await world.poll()
    [problem] = told(capsys)
    assert problem.startswith(f"openTableRids/{world.restaurant.rid} does not exist")
    assert await problems(world) == [problem]


async def test_a_poll_with_a_problem_polls_all_the_same(world: World) -> None:
    await unroute(world)
    assert (await world.poll())["status"] == "ok"


async def test_a_route_that_cannot_be_one_is_none(world: World) -> None:
    route = paths.rid_claim_document(world.services.firestore, world.restaurant.rid)
    await route.set({"restaurantId": 7})
    await world.poll()
    assert "does not exist" in (await problems(world))[0]


async def test_an_empty_webhook_auth_is_told(world: World, capsys: Output) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"webhookAuth": []})
    await world.poll()
    assert told(capsys)[0].startswith("webhookAuth is empty")


async def test_a_mended_problem_is_gone_with_the_next_poll(world: World) -> None:
    await unroute(world)
    await world.poll()
    route = paths.rid_claim_document(world.services.firestore, world.restaurant.rid)
    await route.set({"restaurantId": world.restaurant.id})
    await world.poll()
    assert await problems(world) == []
