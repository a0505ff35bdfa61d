import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.restaurants.settings import RidTakenError, release_rid, update_settings
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import Restaurant, read_rid_claim
from tests.support.world import World

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


async def stored_settings(client: AsyncClient, restaurant: Restaurant) -> dict[str, Any]:
    return (await paths.integration_document(client, restaurant.id).get()).to_dict() or {}


@pytest.mark.parametrize(
    "write",
    [partial(update_settings, fields={"country": "GB"}, now=NOON), partial(release_rid, now=NOON)],
)
async def test_the_result_of_a_concurrent_poll_is_not_lost(
    seeded_restaurant: Restaurant,
    firestore_spy: FirestoreSpy,
    write: Callable[..., Awaitable[object]],
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def end_poll() -> None:
        await settings.update({"poll.cursor": NOON})

    firestore_spy.before_commit.append(end_poll)
    await write(firestore_spy.client, seeded_restaurant.id)
    stored = await stored_settings(firestore_spy.client, seeded_restaurant)
    assert (stored["poll"], stored["updatedAt"]) == ({"cursor": NOON}, NOON)


async def test_a_concurrently_claimed_rid_is_rejected(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    client = firestore_spy.client

    async def claim_for_another() -> None:
        await paths.rid_claim_document(client, "777").set({"restaurantId": "elsewhere"})

    firestore_spy.before_commit.append(claim_for_another)
    with pytest.raises(RidTakenError):
        await update_settings(client, seeded_restaurant.id, {"restaurantId": "777"}, NOON)
    stored = await stored_settings(client, seeded_restaurant)
    assert stored["restaurantId"] == seeded_restaurant.rid


async def test_constantly_changing_settings_raise(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def change_settings() -> None:
        firestore_spy.before_commit.clear()
        await settings.update({"poll.count": len(firestore_spy.calls)})
        firestore_spy.before_commit.append(change_settings)

    firestore_spy.before_commit.append(change_settings)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await update_settings(firestore_spy.client, seeded_restaurant.id, {"country": "GB"}, NOON)


async def test_the_release_of_a_rid_disables_the_integration(
    seeded_restaurant: Restaurant, firestore: AsyncClient
) -> None:
    rid = seeded_restaurant.rid
    assert await release_rid(firestore, seeded_restaurant.id, NOON) == rid
    stored = await stored_settings(firestore, seeded_restaurant)
    assert (stored["enabled"], "restaurantId" in stored) == (False, False)
    assert await read_rid_claim(firestore, rid) is None


async def test_a_rid_claimed_by_another_restaurant_is_not_released(
    seeded_restaurant: Restaurant, firestore: AsyncClient
) -> None:
    claim = {"restaurantId": "elsewhere"}
    await paths.rid_claim_document(firestore, seeded_restaurant.rid).set(claim)
    await release_rid(firestore, seeded_restaurant.id, NOON)
    assert await read_rid_claim(firestore, seeded_restaurant.rid) == claim


async def test_without_a_rid_nothing_is_released(
    seeded_restaurant: Restaurant, firestore: AsyncClient
) -> None:
    await release_rid(firestore, seeded_restaurant.id, NOON)
    assert await release_rid(firestore, seeded_restaurant.id, NOON) is None


@pytest.mark.parametrize("damaged", ["", "a/b", "x" * 2000, 5, {"a": 1}])
async def test_a_damaged_rid_can_be_replaced_and_released(
    damaged: object, seeded_restaurant: Restaurant, firestore: AsyncClient
) -> None:
    settings = paths.integration_document(firestore, seeded_restaurant.id)
    await settings.update({"restaurantId": damaged})
    await release_rid(firestore, seeded_restaurant.id, NOON)
    await update_settings(firestore, seeded_restaurant.id, {"restaurantId": "777"}, NOON)
    assert (await stored_settings(firestore, seeded_restaurant))["restaurantId"] == "777"


CapturedOutput = pytest.CaptureFixture[str]


async def stored_problems(world: World) -> list[str]:
    problems: list[str] = (await world.read_settings_document())["poll"]["problems"]
    return problems


def logged_problems(capsys: CapturedOutput) -> list[str]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line["problem"] for line in lines if line["event"] == "settings.warning"]


async def delete_rid_claim(world: World) -> None:
    await paths.rid_claim_document(world.context.firestore, world.restaurant.rid).delete()


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


async def test_a_settings_problem_does_not_fail_the_poll(world: World) -> None:
    await delete_rid_claim(world)
    assert (await world.poll())["status"] == "ok"


async def test_a_malformed_rid_claim_counts_as_missing(world: World) -> None:
    claim = paths.rid_claim_document(world.context.firestore, world.restaurant.rid)
    await claim.set({"restaurantId": 7})
    await world.poll()
    assert "does not exist" in (await stored_problems(world))[0]


async def test_an_empty_webhook_auth_is_logged(world: World, capsys: CapturedOutput) -> None:
    await world.change_settings(webhookAuth=[])
    await world.poll()
    assert logged_problems(capsys)[0].startswith("webhookAuth is empty")


async def test_a_fixed_problem_disappears_with_the_next_poll(world: World) -> None:
    await delete_rid_claim(world)
    await world.poll()
    claim = paths.rid_claim_document(world.context.firestore, world.restaurant.rid)
    await claim.set({"restaurantId": world.restaurant.id})
    await world.poll()
    assert await stored_problems(world) == []
