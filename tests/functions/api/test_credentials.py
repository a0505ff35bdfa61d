"""Credentials: rotated without a gap, tried at once, never told."""

from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from shared.firestore import paths
from shared.staff.auth import ApiContext
from tests.support.staff_api import (
    NEW_WEBHOOK_SECRET,
    OLD_WEBHOOK_SECRET,
    RestaurantSecretFile,
    StaffApiClient,
    api_transport,
    error_code,
)
from tests.support.world import World


@pytest.fixture
def anonymous_client(api_context_with_secret_file: ApiContext, world: World) -> StaffApiClient:
    return StaffApiClient(api_transport(api_context_with_secret_file), world.restaurant.id, None)


async def read_settings_document(world: World) -> dict[str, Any]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return (await settings.get()).to_dict() or {}


async def put_credentials(caller: StaffApiClient, **entered: object) -> None:
    assert (await caller.put("integration", {"credentials": entered})).status_code == 200


async def test_a_new_webhook_secret_precedes_the_newest_stored_one(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, webhookSecrets=[NEW_WEBHOOK_SECRET])
    held = secret_file.read()
    assert held == {
        "clientId": "me",
        "clientSecret": "hush",
        "webhookSecrets": [NEW_WEBHOOK_SECRET, OLD_WEBHOOK_SECRET],
    }


async def test_entering_none_ends_a_rotation(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, webhookSecrets=[])
    held = secret_file.read()
    assert (held or {})["webhookSecrets"] == [OLD_WEBHOOK_SECRET]


async def test_the_previous_ones_can_be_revoked(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, webhookSecrets=[NEW_WEBHOOK_SECRET], keepPrevious=False)
    held = secret_file.read()
    assert (held or {})["webhookSecrets"] == [NEW_WEBHOOK_SECRET]


async def test_an_api_key_replaces_the_oauth_client(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, apiKey="key")
    held = secret_file.read()
    assert (held or {}).keys() == {"apiKey", "webhookSecrets"}


async def test_no_credential_is_returned_or_written_to_firestore(
    manager: StaffApiClient, world: World
) -> None:
    reply = await manager.put("integration", {"credentials": {"bearerTokens": ["hunter2"]}})
    assert reply.json()["credentials"]["bearerTokens"] == 1
    assert "hunter2" not in reply.text + str(await read_settings_document(world))


async def test_credentials_never_go_to_a_secret_that_an_operator_chose(
    manager: StaffApiClient, operator: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await operator.put("integration", {"secret": "shared-by-the-group"})
    before = secret_file.read()
    refused = await manager.put("integration", {"credentials": {"apiKey": "key"}})
    assert error_code(refused) == (409, "SECRET_NOT_OWNED")
    assert secret_file.read() == before


async def test_credentials_never_go_to_the_partners_secret_by_a_clash_of_names(
    manager: StaffApiClient,
    api_context_with_secret_file: ApiContext,
    secret_file: RestaurantSecretFile,
) -> None:
    environment = structs.replace(
        api_context_with_secret_file.app_context.environment, partner_secret=secret_file.secret_id
    )
    clashing = replace(
        api_context_with_secret_file,
        app_context=replace(api_context_with_secret_file.app_context, environment=environment),
    )
    before = secret_file.read()
    caller = replace(manager, transport=api_transport(clashing))
    refused = await caller.put("integration", {"credentials": {"apiKey": "key"}})
    assert error_code(refused) == (409, "SECRET_NOT_OWNED")
    assert secret_file.read() == before


async def test_first_credentials_make_the_restaurants_own_secret(
    manager: StaffApiClient,
    operator: StaffApiClient,
    world: World,
    secret_file: RestaurantSecretFile,
) -> None:
    secret_file.empty()
    await operator.put("integration", {"secret": None})
    await put_credentials(manager, apiKey="key")
    held = secret_file.read()
    assert held == {"apiKey": "key"}
    assert (await read_settings_document(world))["secret"] == world.restaurant.secret


async def test_a_working_connection_brings_a_row(manager: StaffApiClient, world: World) -> None:
    world.desk.create(world.clock(), 2)
    reply = await manager.post("integration/test")
    assert reply.json() == {"works": True, "rows": 1, "problem": None}


async def test_new_credentials_are_tried_at_once(manager: StaffApiClient) -> None:
    await manager.post("integration/test")
    wrong = {"clientId": "me", "clientSecret": "wrong"}
    await manager.put("integration", {"credentials": wrong})
    told = (await manager.post("integration/test")).json()
    assert not told["works"]
    assert "credential" in told["problem"]
