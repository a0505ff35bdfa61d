"""Read and change the integration's settings and the claim of the rid."""

import asyncio
from typing import Any

import pytest

from dev.local.auth_emulator import LocalAccounts
from shared.firestore import paths
from tests.support.restaurants import read_rid_claim
from tests.support.staff_api import RestaurantSecretFile, StaffApiClient, error_code
from tests.support.world import World


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
        "serviceDayEndsAt": "04:00",
        "locale": None,
        "hourCycle": None,
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
        "updatedByName": None,
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
    await world.integration_document.update({"poll": {"cursor": 1}, "otherField": "x"})
    before = await world.read_settings_document()
    await manager.put("integration", {"country": "GB"})
    assert await world.read_settings_document() == before | {
        "country": "GB",
        "updatedAt": world.clock(),
        "updatedBy": "mara",
    }


async def test_a_change_takes_effect_here_at_once(manager: StaffApiClient) -> None:
    await manager.get("reservations")
    await manager.put("integration", {"timeZone": "Europe/London"})
    assert (await manager.get("reservations")).json()["timeZone"] == "Europe/London"


async def test_null_removes_the_country_and_means_nothing_elsewhere(
    manager: StaffApiClient, world: World
) -> None:
    await manager.put("integration", {"country": "GB"})
    await manager.put("integration", {"country": None, "timeZone": None})
    stored = await world.read_settings_document()
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
    before = (await world.read_settings_document(), secret_file.read())
    assert error_code(await manager.put("integration", body)) == (400, "INVALID_REQUEST")
    assert (await world.read_settings_document(), secret_file.read()) == before


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
    before = await world.read_settings_document()
    response = await manager.put("integration", {field: "123"})
    assert error_code(response) == (403, "ROLE_REQUIRED")
    assert await world.read_settings_document() == before


async def test_an_operator_opens_an_integration_with_one_call(
    operator: StaffApiClient, world: World
) -> None:
    settings = {"enabled": True, "restaurantId": "777", "timeZone": "Europe/London"}
    body = await operator.at_restaurant("new-one").put("integration", settings)
    assert (body.status_code, body.json()["restaurantId"]) == (200, "777")
    assert await read_rid_claim(world.context.firestore, "777") == {"restaurantId": "new-one"}


async def test_a_new_rid_frees_the_old_one(operator: StaffApiClient, world: World) -> None:
    await operator.put("integration", {"restaurantId": "777"})
    assert await read_rid_claim(world.context.firestore, world.restaurant.rid) is None
    claim = await read_rid_claim(world.context.firestore, "777")
    assert claim == {"restaurantId": world.restaurant.id}


async def test_a_rid_of_another_restaurant_is_rejected(
    operator: StaffApiClient, world: World
) -> None:
    claim = paths.rid_claim_document(world.context.firestore, "777")
    await claim.set({"restaurantId": "elsewhere"})
    before = await world.read_settings_document()
    response = await operator.put("integration", {"restaurantId": "777"})
    assert error_code(response) == (409, "RID_TAKEN")
    assert await world.read_settings_document() == before
    assert (await claim.get()).to_dict() == {"restaurantId": "elsewhere"}


async def test_saving_the_same_rid_keeps_the_claim(operator: StaffApiClient, world: World) -> None:
    rid = world.restaurant.rid
    assert (await operator.put("integration", {"restaurantId": rid})).status_code == 200
    claim = await read_rid_claim(world.context.firestore, rid)
    assert claim == {"restaurantId": world.restaurant.id}


async def read_etag(client: StaffApiClient) -> dict[str, str]:
    return {"If-Match": (await client.get("integration")).headers["etag"]}


async def test_a_change_with_the_current_etag_is_made(manager: StaffApiClient) -> None:
    etag = await read_etag(manager)
    response = await manager.put("integration", {"country": "GB"}, headers=etag)
    assert response.status_code == 200
    assert {"If-Match": response.headers["etag"]} == await read_etag(manager) != etag


async def test_a_change_of_older_settings_is_refused_and_names_who_changed_them(
    manager: StaffApiClient,
    operator: StaffApiClient,
    world: World,
    secret_file: RestaurantSecretFile,
    local_accounts: LocalAccounts,
) -> None:
    local_accounts.users["olga"]["displayName"] = "Olga"
    etag = await read_etag(manager)
    await operator.put("integration", {"country": "GB"})
    before = (await world.read_settings_document(), secret_file.read())
    body = {"timeZone": "Europe/London", "credentials": {"bearerTokens": ["mine"]}}
    response = await manager.put("integration", body, headers=etag)
    assert error_code(response) == (412, "SETTINGS_CHANGED")
    assert response.json()["error"]["message"].startswith("Olga changed these settings")
    assert (await world.read_settings_document(), secret_file.read()) == before


async def test_of_two_changes_at_the_same_time_one_is_refused(manager: StaffApiClient) -> None:
    etag = await read_etag(manager)
    changes = ({"credentials": {"bearerTokens": ["one"]}}, {"credentials": {"apiKey": "two"}})
    answers = await asyncio.gather(
        *(manager.put("integration", change, headers=etag) for change in changes)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize("form", ["W/{}", '"other", {}', "{}"])
async def test_every_form_of_the_current_etag_is_accepted(
    form: str, manager: StaffApiClient
) -> None:
    etag = (await manager.get("integration")).headers["etag"]
    headers = {"If-Match": form.format(etag)}
    response = await manager.put("integration", {"country": "GB"}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n"},
        {"enabled": False},
        {"timeZone": "Europe/London"},
        {"country": "GB"},
        {"webhookAuth": []},
        {"restaurantId": "777"},
        {"secret": "x"},
        {"credentialsChangedAt": 1},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_change_past_the_api_changes_the_etag(
    fields: dict[str, Any], manager: StaffApiClient, world: World
) -> None:
    etag = await read_etag(manager)
    await world.change_settings(**fields)
    assert await read_etag(manager) != etag


async def test_a_run_does_not_change_the_etag(manager: StaffApiClient, world: World) -> None:
    etag = await read_etag(manager)
    world.actions.create(world.clock(), 2)
    await world.poll()
    await world.reconcile()
    assert await read_etag(manager) == etag
