"""Read and change the integration's settings and the claim of the rid."""

from typing import Any

import pytest

from shared.firestore import paths
from tests.functions.api.conftest import read_settings_document
from tests.support.staff_api import RestaurantSecretFile, StaffApiClient, error_code
from tests.support.world import World


async def read_rid_claim(world: World, rid: str) -> dict[str, Any] | None:
    return (await paths.rid_claim_document(world.services.firestore, rid).get()).to_dict()


async def test_the_settings_are_returned_without_credentials(
    manager: StaffApiClient, world: World
) -> None:
    response = await manager.get("integration")
    assert response.json() == {
        "name": None,
        "enabled": True,
        "restaurantId": world.restaurant.rid,
        "timeZone": "America/New_York",
        "country": None,
        "webhookAuth": ["bearer"],
        "secret": world.restaurant.secret,
        "credentials": {
            "api": True,
            "webhookSecrets": 2,
            "bearerTokens": 0,
            "basicCredentials": 0,
        },
        "keyUses": [],
        "keyUsesFrom": None,
        "lastPolledAt": None,
        "updatedAt": None,
        "problems": [],
    }


async def test_an_unreadable_secret_is_returned_as_a_message(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    secret_file.empty()
    body = (await manager.get("integration")).json()
    assert body["credentials"] is None
    assert "SECRETS_FILE" in body["problems"][0]


async def test_a_change_touches_its_fields_alone(manager: StaffApiClient, world: World) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"poll": {"cursor": 1}, "otherField": "x"})
    before = await read_settings_document(world)
    await manager.put("integration", {"country": "GB"})
    assert await read_settings_document(world) == before | {
        "country": "GB",
        "updatedAt": world.clock(),
    }


async def test_a_change_is_answered_with_the_settings(manager: StaffApiClient) -> None:
    body = (await manager.put("integration", {"timeZone": "Europe/London"})).json()
    assert body["timeZone"] == "Europe/London"


async def test_a_change_takes_effect_here_at_once(manager: StaffApiClient) -> None:
    await manager.get("reservations")
    await manager.put("integration", {"timeZone": "Europe/London"})
    assert (await manager.get("reservations")).json()["timeZone"] == "Europe/London"


async def test_null_removes_the_country_and_means_nothing_elsewhere(
    manager: StaffApiClient, world: World
) -> None:
    await manager.put("integration", {"country": "GB"})
    await manager.put("integration", {"country": None, "timeZone": None})
    stored = await read_settings_document(world)
    assert (stored["country"], stored["timeZone"]) == (None, "America/New_York")


@pytest.mark.parametrize(
    "body",
    [
        {"timeZone": "Mars/Olympus"},
        {"country": "gb"},
        {"webhookAuth": ["hope"]},
        {"enabled": "perhaps"},
        {"enabled": "on"},
        {"enabled": 1.0},
        {"unknown": 1},
        {"credentials": {"webhookSecrets": ["not base64!"]}},
        {"credentials": {"basicCredentials": ["no colon"]}},
        {"credentials": {"clientId": "a"}},
        {"credentials": {"apiKey": "k", "clientId": "a", "clientSecret": "b"}},
        {"credentials": {"bearerTokens": ["é"]}},
        {"credentials": {"bearerTokens": ["t"] * 6}},
        {"credentials": {"bearerTokens": ["t"], "keepPrevious": 0}},
    ],
)
async def test_what_cannot_be_used_is_refused_unwritten(
    body: dict[str, object],
    manager: StaffApiClient,
    world: World,
    secret_file: RestaurantSecretFile,
) -> None:
    before = (await read_settings_document(world), secret_file.read())
    assert error_code(await manager.put("integration", body)) == (400, "INVALID_REQUEST")
    assert (await read_settings_document(world), secret_file.read()) == before


async def test_an_error_never_contains_a_credential(manager: StaffApiClient) -> None:
    body = {"credentials": {"webhookSecrets": ["hunter2!"], "hunter3": "hunter4"}}
    assert "hunter" not in (await manager.put("integration", body)).text


async def test_what_is_not_usable_cannot_be_switched_on(operator: StaffApiClient) -> None:
    response = await operator.at_restaurant("new-one").put("integration", {"enabled": True})
    assert error_code(response) == (409, "SETTINGS_UNUSABLE")


@pytest.mark.parametrize("field", ["restaurantId", "secret"])
async def test_the_rid_and_the_secrets_name_are_an_operators(
    field: str, manager: StaffApiClient, world: World
) -> None:
    before = await read_settings_document(world)
    response = await manager.put("integration", {field: "123"})
    assert error_code(response) == (403, "ROLE_REQUIRED")
    assert await read_settings_document(world) == before


async def test_an_operator_opens_an_integration_with_one_call(
    operator: StaffApiClient, world: World
) -> None:
    settings = {"enabled": True, "restaurantId": "777", "timeZone": "Europe/London"}
    body = await operator.at_restaurant("new-one").put("integration", settings)
    assert (body.status_code, body.json()["restaurantId"]) == (200, "777")
    assert await read_rid_claim(world, "777") == {"restaurantId": "new-one"}


async def test_a_new_rid_frees_the_old_one(operator: StaffApiClient, world: World) -> None:
    await operator.put("integration", {"restaurantId": "777"})
    assert await read_rid_claim(world, world.restaurant.rid) is None
    assert await read_rid_claim(world, "777") == {"restaurantId": world.restaurant.id}


async def test_a_rid_of_another_restaurant_is_rejected(
    operator: StaffApiClient, world: World
) -> None:
    before = await read_settings_document(world)
    await paths.rid_claim_document(world.services.firestore, "777").set(
        {"restaurantId": "elsewhere"}
    )
    response = await operator.put("integration", {"restaurantId": "777"})
    assert error_code(response) == (409, "RID_TAKEN")
    assert (await read_settings_document(world), await read_rid_claim(world, "777")) == (
        before,
        {"restaurantId": "elsewhere"},
    )


async def test_saving_the_same_rid_keeps_the_claim(operator: StaffApiClient, world: World) -> None:
    rid = world.restaurant.rid
    assert (await operator.put("integration", {"restaurantId": rid})).status_code == 200
    assert await read_rid_claim(world, rid) == {"restaurantId": world.restaurant.id}
