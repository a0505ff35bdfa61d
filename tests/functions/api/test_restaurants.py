"""The list of the caller's restaurants, with health and counts."""

from datetime import timedelta
from typing import Any

import pytest

from shared.firestore import paths
from shared.ingest.deliveries import record_refusal
from tests.functions.api.conftest import create_member_client
from tests.support.events import envelope_body
from tests.support.quarantine import ingest_envelope_body
from tests.support.restaurants import new_restaurant, seed
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.webhooks import store_refusals
from tests.support.world import World

LIST = "/api/restaurants"


async def fetch_restaurants(client: StaffApiClient, **params: Any) -> list[dict[str, Any]]:
    response = await client.get(LIST, params=params)
    assert response.status_code == 200, response.text
    restaurants: list[dict[str, Any]] = response.json()["restaurants"]
    return restaurants


async def list_ids(client: StaffApiClient) -> list[str]:
    return [restaurant["id"] for restaurant in await fetch_restaurants(client)]


async def add_restaurants(world: World, uid: str, count: int) -> list[str]:
    """Add restaurants with the user as host; return their ids in order."""
    client, ids = world.context.firestore, []
    for _ in range(count):
        restaurant = new_restaurant()
        await seed(client, restaurant)
        member = paths.staff_member_document(client, restaurant.id, uid)
        await member.set({"uid": uid, "role": "host"})
        ids.append(restaurant.id)
    return sorted(ids)


@pytest.fixture
async def listed_host(host: StaffApiClient) -> StaffApiClient:
    """A host whose first call has added the user id to the staff document."""
    await host.get("me")
    return host


async def test_a_restaurant_is_listed_with_name_zone_role_and_health(
    listed_host: StaffApiClient, world: World
) -> None:
    await world.change_settings(name="Chez Panisse")
    assert await fetch_restaurants(listed_host) == [
        {
            "id": world.restaurant.id,
            "name": "Chez Panisse",
            "timeZone": "America/New_York",
            "role": "host",
            "health": {
                "status": "OK",
                "reasons": [],
                "lastPolledAt": None,
                "lastReconciledAt": None,
                "webhooksSilentSince": None,
                "divergences": None,
            },
            "counts": None,
            "refusals": None,
        }
    ]


async def test_a_user_sees_only_restaurants_with_a_membership(
    listed_host: StaffApiClient, world: World
) -> None:
    mine = await add_restaurants(world, "hanna", 2)
    await add_restaurants(world, "somebody-else", 2)
    assert await list_ids(listed_host) == sorted([world.restaurant.id, *mine])
    stranger = listed_host.sign_in("stranger")
    assert await list_ids(stranger) == []


async def test_an_operator_sees_every_restaurant_with_settings(
    operator: StaffApiClient, world: World
) -> None:
    others = await add_restaurants(world, "hanna", 2)
    restaurants = await fetch_restaurants(operator)
    assert [each["id"] for each in restaurants] == sorted([world.restaurant.id, *others])
    assert {each["role"] for each in restaurants} == {"operator"}


@pytest.mark.parametrize("caller", ["host", "operator"])
async def test_pages_together_are_the_whole_list(
    caller: str, listed_host: StaffApiClient, operator: StaffApiClient, world: World
) -> None:
    client = {"host": listed_host, "operator": operator}[caller]
    ids = sorted([world.restaurant.id, *await add_restaurants(world, "hanna", 4)])
    found: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        body = (await client.get(LIST, params=params)).json()
        found += [each["id"] for each in body["restaurants"]]
        if body["nextCursor"] is None:
            break
        params["cursor"] = body["nextCursor"]
    assert found == ids


@pytest.mark.parametrize(
    "cursor",
    ["x", "a/b", "restaurants/r/staff", "//staff/", "restaurants/r/other/x", "__a__/staff/x"],
)
@pytest.mark.parametrize("caller", ["host", "operator"])
async def test_a_cursor_of_no_page_is_refused(
    cursor: str, caller: str, host: StaffApiClient, operator: StaffApiClient
) -> None:
    client = {"host": host, "operator": operator}[caller]
    response = await client.get(LIST, params={"cursor": cursor})
    assert error_code(response) == (400, "INVALID_REQUEST")


async def test_a_document_without_a_user_id_is_listed_after_the_first_call(
    emulator_client: StaffApiClient, world: World
) -> None:
    client = await create_member_client(emulator_client, world, "hanna", "host")
    assert await list_ids(client) == []
    assert (await client.get("me")).status_code == 200
    assert await list_ids(client) == [world.restaurant.id]


async def test_the_user_id_of_a_copied_document_gives_no_access(
    listed_host: StaffApiClient, world: World
) -> None:
    other = new_restaurant()
    client = world.context.firestore
    await seed(client, other)
    copied = {"uid": "hanna", "role": "manager"}
    await paths.staff_member_document(client, other.id, "mara").set(copied)
    await client.document("venues", other.id, "staff", "hanna").set(copied)
    assert await list_ids(listed_host) == [world.restaurant.id]
    assert error_code(await listed_host.at_restaurant(other.id).get("me")) == (403, "FORBIDDEN")


async def test_other_integrations_are_no_restaurants(
    operator: StaffApiClient, world: World
) -> None:
    client = world.context.firestore
    await client.document("restaurants", "r-2", "integrations", "payments").set({"enabled": True})
    await client.document("a", "b", "integrations", "opentable").set({"enabled": True})
    assert await list_ids(operator) == [world.restaurant.id]


async def test_a_restaurant_without_settings_is_listed_to_its_staff(
    listed_host: StaffApiClient, world: World
) -> None:
    await world.integration_document.delete()
    [restaurant] = await fetch_restaurants(listed_host, include="counts")
    assert (restaurant["name"], restaurant["timeZone"], restaurant["health"]) == (None, None, None)
    assert restaurant["counts"] == {"openQuarantine": 0, "coversToday": None}


async def test_one_damaged_restaurant_does_not_hide_the_others(
    operator: StaffApiClient, world: World
) -> None:
    [other] = await add_restaurants(world, "hanna", 1)
    damaged = {"name": 5, "timeZone": {"x": 1}, "poll": [], "reconciliation": "x", "updatedAt": 1}
    await world.change_settings(**damaged, lastPolledAt="yesterday")
    found = {each["id"]: each for each in await fetch_restaurants(operator, include="counts")}
    assert found.keys() == {world.restaurant.id, other}
    assert found[world.restaurant.id]["health"]["reasons"] == ["settings_unusable"]
    assert found[other]["health"]["status"] == "OK"


async def test_counts_are_the_open_quarantine_and_the_covers_of_today(
    listed_host: StaffApiClient, world: World
) -> None:
    today = world.clock() + timedelta(hours=4)
    world.actions.create(today, 4)
    world.actions.create(today, 3)
    world.actions.create(today + timedelta(days=1), 9)
    await world.reconcile()
    await ingest_envelope_body(world, envelope_body(partySize=0))
    [restaurant] = await fetch_restaurants(listed_host, include="counts")
    assert restaurant["counts"] == {"openQuarantine": 1, "coversToday": 7}
    assert restaurant["health"]["divergences"] == 0
    assert restaurant["health"]["status"] == "REVIEW"
    assert restaurant["health"]["reasons"] == ["quarantine_open"]


async def test_open_divergences_are_a_reason(listed_host: StaffApiClient, world: World) -> None:
    await world.integration_document.update({"reconciliation.openDivergences": 2})
    [restaurant] = await fetch_restaurants(listed_host)
    health = restaurant["health"]
    assert (health["status"], health["reasons"]) == ("REVIEW", ["divergences_open"])
    assert health["divergences"] == 2


async def test_refused_webhooks_are_a_reason_and_are_listed_with_the_counts(
    listed_host: StaffApiClient, world: World
) -> None:
    for _ in range(3):
        record_refusal(world.context, world.restaurant.id, "bearer", "no_credential_matches")
    await store_refusals(world.context)
    [restaurant] = await fetch_restaurants(listed_host, include="counts")
    health, [refusal] = restaurant["health"], restaurant["refusals"]
    assert (health["status"], health["reasons"]) == ("WARNING", ["webhooks_refused"])
    assert (refusal["scheme"], refusal["reason"]) == ("bearer", "no_credential_matches")
    assert refusal["count"] == 3


async def test_after_midnight_the_covers_are_those_of_the_evening(
    listed_host: StaffApiClient, world: World
) -> None:
    world.actions.create(world.clock() + timedelta(hours=4), 4)
    await world.reconcile()
    world.clock.advance(12.5 * 3600)  # 03:30 in New York
    [restaurant] = await fetch_restaurants(listed_host, include="counts")
    assert restaurant["counts"]["coversToday"] == 4


async def test_a_name_can_be_set_and_removed(manager: StaffApiClient, world: World) -> None:
    response = await manager.put("integration", {"name": "Chez Panisse"})
    assert response.json()["name"] == "Chez Panisse"
    assert (await manager.get("me")).json()["restaurantName"] == "Chez Panisse"
    await manager.put("integration", {"name": None})
    assert (await world.read_settings_document())["name"] is None
    assert (await manager.get("me")).json()["restaurantName"] is None
