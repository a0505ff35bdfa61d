"""Settings: each field alone, the rid claimed with them, no credential ever told."""

from typing import Any

import pytest

from shared.edge import paths
from shared.edge.staff.staffroom import ApiContext
from tests.functions.api.caller import Caller, code_of, served
from tests.functions.api.safe_file import SafeFile
from tests.world import World


@pytest.fixture
def nobody(filed: ApiContext, world: World) -> Caller:
    return Caller(served(filed), world.restaurant.id, None)


async def stored(world: World) -> dict[str, Any]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return (await settings.get()).to_dict() or {}


async def claim(world: World, rid: str) -> dict[str, Any] | None:
    return (await paths.rid_claim_document(world.services.firestore, rid).get()).to_dict()


async def test_the_settings_are_told_without_any_credential(manager: Caller, world: World) -> None:
    reply = await manager.get("integration")
    assert reply.json() == {
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


async def test_a_secret_that_cannot_be_read_is_told_in_words(
    manager: Caller, safe: SafeFile
) -> None:
    safe.empty()
    told = (await manager.get("integration")).json()
    assert told["credentials"] is None
    assert "SECRETS_FILE" in told["problems"][0]


async def test_a_change_touches_its_fields_alone(manager: Caller, world: World) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"poll": {"cursor": 1}, "ofAnother": "x"})
    before = await stored(world)
    await manager.put("integration", {"country": "GB"})
    assert await stored(world) == before | {"country": "GB", "updatedAt": world.clock()}


async def test_a_change_is_answered_with_the_settings(manager: Caller) -> None:
    told = (await manager.put("integration", {"timeZone": "Europe/London"})).json()
    assert told["timeZone"] == "Europe/London"


async def test_a_change_takes_effect_here_at_once(manager: Caller) -> None:
    await manager.get("reservations")
    await manager.put("integration", {"timeZone": "Europe/London"})
    assert (await manager.get("reservations")).json()["timeZone"] == "Europe/London"


async def test_null_removes_the_country_and_means_nothing_elsewhere(
    manager: Caller, world: World
) -> None:
    await manager.put("integration", {"country": "GB"})
    await manager.put("integration", {"country": None, "timeZone": None})
    held = await stored(world)
    assert (held["country"], held["timeZone"]) == (None, "America/New_York")


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
    body: dict[str, object], manager: Caller, world: World, safe: SafeFile
) -> None:
    before = (await stored(world), safe.read())
    assert code_of(await manager.put("integration", body)) == (400, "INVALID_REQUEST")
    assert (await stored(world), safe.read()) == before


async def test_a_refusal_never_repeats_a_credential(manager: Caller) -> None:
    body = {"credentials": {"webhookSecrets": ["hunter2!"], "hunter3": "hunter4"}}
    assert "hunter" not in (await manager.put("integration", body)).text


async def test_what_is_not_usable_cannot_be_switched_on(operator: Caller) -> None:
    refused = await operator.at("new-one").put("integration", {"enabled": True})
    assert code_of(refused) == (409, "SETTINGS_UNUSABLE")


@pytest.mark.parametrize("field", ["restaurantId", "secret"])
async def test_the_rid_and_the_secrets_name_are_an_operators(
    field: str, manager: Caller, world: World
) -> None:
    before = await stored(world)
    refused = await manager.put("integration", {field: "123"})
    assert code_of(refused) == (403, "ROLE_REQUIRED")
    assert await stored(world) == before


async def test_an_operator_opens_an_integration_with_one_call(
    operator: Caller, world: World
) -> None:
    settings = {"enabled": True, "restaurantId": "777", "timeZone": "Europe/London"}
    told = await operator.at("new-one").put("integration", settings)
    assert (told.status_code, told.json()["restaurantId"]) == (200, "777")
    assert await claim(world, "777") == {"restaurantId": "new-one"}


async def test_a_new_rid_frees_the_old_one(operator: Caller, world: World) -> None:
    await operator.put("integration", {"restaurantId": "777"})
    assert await claim(world, world.restaurant.rid) is None
    assert await claim(world, "777") == {"restaurantId": world.restaurant.id}


async def test_a_rid_that_another_restaurant_holds_is_refused(
    operator: Caller, world: World
) -> None:
    before = await stored(world)
    await paths.rid_claim_document(world.services.firestore, "777").set(
        {"restaurantId": "elsewhere"}
    )
    refused = await operator.put("integration", {"restaurantId": "777"})
    assert code_of(refused) == (409, "RID_TAKEN")
    assert (await stored(world), await claim(world, "777")) == (
        before,
        {"restaurantId": "elsewhere"},
    )


async def test_the_same_rid_again_keeps_its_claim(operator: Caller, world: World) -> None:
    rid = world.restaurant.rid
    assert (await operator.put("integration", {"restaurantId": rid})).status_code == 200
    assert await claim(world, rid) == {"restaurantId": world.restaurant.id}
