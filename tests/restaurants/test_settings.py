"""Settings are written field by field, whoever writes beside them.

A poll says what keeps a restaurant's webhooks out, in its log and in the settings.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.restaurants.settings import RidTakenError, release_rid, update_settings
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import Restaurant
from tests.support.world import World

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


async def test_a_concurrent_poll_result_is_not_lost(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    firestore_spy.before_commit.append(poll_ends)
    await update_settings(firestore_spy.client, seeded_restaurant.id, {"country": "GB"}, NOON)
    held = (await settings.get()).to_dict() or {}
    assert (held["country"], held["poll"]) == ("GB", {"cursor": NOON})


async def test_a_concurrently_claimed_rid_is_rejected(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    async def another_claims() -> None:
        await paths.rid_claim_document(firestore_spy.client, "777").set(
            {"restaurantId": "elsewhere"}
        )

    firestore_spy.before_commit.append(another_claims)
    with pytest.raises(RidTakenError):
        await update_settings(
            firestore_spy.client, seeded_restaurant.id, {"restaurantId": "777"}, NOON
        )
    held = (
        await paths.integration_document(firestore_spy.client, seeded_restaurant.id).get()
    ).to_dict() or {}
    assert held["restaurantId"] == seeded_restaurant.rid


async def test_constantly_changing_settings_raise(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def moves() -> None:
        firestore_spy.before_commit.clear()
        await settings.update({"poll.count": len(firestore_spy.calls)})
        firestore_spy.before_commit.append(moves)

    firestore_spy.before_commit.append(moves)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await update_settings(firestore_spy.client, seeded_restaurant.id, {"country": "GB"}, NOON)


async def test_a_rid_is_released_with_the_switching_off(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    assert (
        await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) == seeded_restaurant.rid
    )
    held = (
        await paths.integration_document(firestore_spy.client, seeded_restaurant.id).get()
    ).to_dict() or {}
    assert (held["enabled"], "restaurantId" in held) == (False, False)
    assert not (
        await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).get()
    ).exists


async def test_a_poll_that_ends_while_a_rid_is_released_loses_nothing(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    firestore_spy.before_commit.append(poll_ends)
    assert (
        await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) == seeded_restaurant.rid
    )
    held = (await settings.get()).to_dict() or {}
    assert (held["enabled"], held["poll"]) == (False, {"cursor": NOON})


async def test_a_rid_claimed_by_another_restaurant_is_not_released(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).set(
        {"restaurantId": "elsewhere"}
    )
    await release_rid(firestore_spy.client, seeded_restaurant.id, NOON)
    claim = (
        await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).get()
    ).to_dict()
    assert claim == {"restaurantId": "elsewhere"}


async def test_without_a_rid_claim_nothing_is_released(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    await release_rid(firestore_spy.client, seeded_restaurant.id, NOON)
    assert await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) is None


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
