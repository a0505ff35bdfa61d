"""Credentials: rotated without a gap, tried at once, never told."""

from typing import Any

import pytest
from msgspec import structs
from msgspec.structs import replace

from shared.edge import paths
from shared.edge.staff.staffroom import ApiContext
from tests.functions.api.caller import Caller, code_of, served
from tests.functions.api.safe_file import NEW_SECRET, OLD_SECRET, SafeFile
from tests.world import World


@pytest.fixture
def nobody(filed: ApiContext, world: World) -> Caller:
    return Caller(served(filed), world.restaurant.id, None)


async def page_of(world: World) -> dict[str, Any]:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    return (await settings.get()).to_dict() or {}


async def enter(caller: Caller, **entered: object) -> None:
    assert (await caller.put("integration", {"credentials": entered})).status_code == 200


async def test_a_new_webhook_secret_stands_before_the_newest_held(
    manager: Caller, safe: SafeFile
) -> None:
    await enter(manager, webhookSecrets=[NEW_SECRET])
    held = safe.read()
    assert held == {
        "clientId": "me",
        "clientSecret": "hush",
        "webhookSecrets": [NEW_SECRET, OLD_SECRET],
    }


async def test_entering_none_ends_a_rotation(manager: Caller, safe: SafeFile) -> None:
    await enter(manager, webhookSecrets=[])
    held = safe.read()
    assert (held or {})["webhookSecrets"] == [OLD_SECRET]


async def test_the_previous_ones_can_be_revoked(manager: Caller, safe: SafeFile) -> None:
    await enter(manager, webhookSecrets=[NEW_SECRET], keepPrevious=False)
    held = safe.read()
    assert (held or {})["webhookSecrets"] == [NEW_SECRET]


async def test_an_api_key_replaces_the_oauth_client(manager: Caller, safe: SafeFile) -> None:
    await enter(manager, apiKey="key")
    held = safe.read()
    assert (held or {}).keys() == {"apiKey", "webhookSecrets"}


async def test_no_credential_is_ever_told_or_written_to_firestore(
    manager: Caller, world: World
) -> None:
    reply = await manager.put("integration", {"credentials": {"bearerTokens": ["hunter2"]}})
    assert reply.json()["credentials"]["bearerTokens"] == 1
    assert "hunter2" not in reply.text + str(await page_of(world))


async def test_credentials_never_go_to_a_secret_that_an_operator_chose(
    manager: Caller, operator: Caller, safe: SafeFile
) -> None:
    await operator.put("integration", {"secret": "shared-by-the-group"})
    before = safe.read()
    refused = await manager.put("integration", {"credentials": {"apiKey": "key"}})
    assert code_of(refused) == (409, "SECRET_OF_ANOTHER")
    assert safe.read() == before


async def test_credentials_never_go_to_the_partners_secret_by_a_clash_of_names(
    manager: Caller, filed: ApiContext, safe: SafeFile
) -> None:
    environment = structs.replace(filed.app_context.environment, partner_secret=safe.secret_id)
    clashing = replace(filed, app_context=replace(filed.app_context, environment=environment))
    before = safe.read()
    caller = replace(manager, transport=served(clashing))
    refused = await caller.put("integration", {"credentials": {"apiKey": "key"}})
    assert code_of(refused) == (409, "SECRET_OF_ANOTHER")
    assert safe.read() == before


async def test_first_credentials_make_the_restaurants_own_secret(
    manager: Caller, operator: Caller, world: World, safe: SafeFile
) -> None:
    safe.empty()
    await operator.put("integration", {"secret": None})
    await enter(manager, apiKey="key")
    held = safe.read()
    assert held == {"apiKey": "key"}
    assert (await page_of(world))["secret"] == world.restaurant.secret


async def test_a_working_connection_brings_a_row(manager: Caller, world: World) -> None:
    world.desk.create(world.clock(), 2)
    reply = await manager.post("integration/test")
    assert reply.json() == {"works": True, "rows": 1, "problem": None}


async def test_new_credentials_are_tried_at_once(manager: Caller) -> None:
    await manager.post("integration/test")
    wrong = {"clientId": "me", "clientSecret": "wrong"}
    await manager.put("integration", {"credentials": wrong})
    told = (await manager.post("integration/test")).json()
    assert not told["works"]
    assert "credential" in told["problem"]
