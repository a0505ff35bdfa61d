"""Enter credentials, rotate them, test the connection, and report the last uses."""

from typing import Any

import pytest

from sandbox.fault_injection import FailureKind
from shared.domain.ledger.events import Channel
from shared.domain.normalization.webhook_body import WebhookFormat
from shared.domain.webhook_auth import Authentication
from shared.firestore import paths
from shared.ingest.events import IncomingEvent, ingest_event
from tests.support.events import envelope_body
from tests.support.staff_api import (
    NEW_WEBHOOK_SECRET,
    OLD_WEBHOOK_SECRET,
    RestaurantSecretFile,
    StaffApiClient,
    error_code,
)
from tests.support.world import World


async def put_credentials(client: StaffApiClient, **credentials: object) -> None:
    assert (await client.put("integration", {"credentials": credentials})).status_code == 200


async def test_a_new_webhook_secret_precedes_the_newest_stored_one(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, webhookSecrets=[NEW_WEBHOOK_SECRET])
    assert secret_file.read() == {
        "clientId": "me",
        "clientSecret": "hush",
        "webhookSecrets": [NEW_WEBHOOK_SECRET, OLD_WEBHOOK_SECRET],
    }


async def test_entering_none_ends_a_rotation(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    await put_credentials(manager, webhookSecrets=[])
    assert secret_file.read()["webhookSecrets"] == [OLD_WEBHOOK_SECRET]


async def test_no_credential_is_returned_or_written_to_firestore(
    manager: StaffApiClient, world: World
) -> None:
    response = await manager.put("integration", {"credentials": {"bearerTokens": ["hunter2"]}})
    assert response.json()["credentials"]["bearerTokens"] == 1
    assert "hunter2" not in response.text + str(await world.read_settings_document())


@pytest.mark.parametrize(
    "call, body",
    [
        ("PUT integration", {"credentials": {"apiKey": "key"}}),
        ("POST integration/webhooks/credentials", {"scheme": "bearer"}),
    ],
    ids=["entered", "generated"],
)
async def test_credentials_never_go_to_a_secret_that_an_operator_chose(
    call: str,
    body: dict[str, object],
    manager: StaffApiClient,
    operator: StaffApiClient,
    secret_file: RestaurantSecretFile,
) -> None:
    await operator.put("integration", {"secret": "shared-by-the-group"})
    before = secret_file.read()
    response = await manager.call(*call.split(), json=body)
    assert error_code(response) == (409, "SECRET_NOT_OWNED")
    assert secret_file.read() == before


async def test_credentials_never_go_to_the_partners_secret_by_a_clash_of_names(
    manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    client = manager.with_environment(partner_secret=secret_file.secret_id)
    before = secret_file.read()
    response = await client.put("integration", {"credentials": {"apiKey": "key"}})
    assert error_code(response) == (409, "SECRET_NOT_OWNED")
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
    assert secret_file.read() == {"apiKey": "key"}
    assert (await world.read_settings_document())["secret"] == world.restaurant.secret


async def test_a_working_connection_brings_a_row(manager: StaffApiClient, world: World) -> None:
    world.actions.create(world.clock(), 2)
    body = (await manager.post("integration/test")).json()
    assert 0 <= body.pop("durationMs") < 10_000
    assert body == {"works": True, "rows": 1, "problem": None, "details": None}


async def test_new_credentials_are_tried_at_once(manager: StaffApiClient) -> None:
    await manager.post("integration/test")
    wrong = {"clientId": "me", "clientSecret": "wrong"}
    await manager.put("integration", {"credentials": wrong})
    body = (await manager.post("integration/test")).json()
    assert not body["works"]
    assert body["problem"].startswith("OpenTable does not accept the API credential")
    assert "401" in body["details"]


@pytest.mark.parametrize(
    "status, problem",
    [
        (403, "OpenTable accepts the API credential, but not for this restaurant."),
        (404, "OpenTable accepts the API credential, but not for this restaurant."),
        (302, "OpenTable refused the request."),
        (503, "OpenTable does not answer at the moment."),
    ],
)
async def test_a_failed_connection_is_explained_in_plain_words(
    status: int, problem: str, manager: StaffApiClient, world: World
) -> None:
    world.sandbox.faults.script_failure(FailureKind.STATUS, path="/sync", times=99, status=status)
    body = (await manager.post("integration/test")).json()
    assert body["problem"].startswith(problem)
    assert str(status) in body["details"]


async def ingest_authenticated_event(
    world: World, minute: int, position: int, scheme: str = "bearer"
) -> None:
    """Ingest a webhook authenticated with the credential at a position."""
    body = envelope_body("updated", minute, partySize=minute + 1)
    event = IncomingEvent(
        WebhookFormat.ENVELOPE,
        body,
        str(body),
        "application/json",
        world.clock(),
        Channel.WEBHOOK,
        Authentication(scheme, position),
    )
    await ingest_event(world.restaurant_context(), event)


async def test_a_used_credential_is_returned_with_its_last_use(
    manager: StaffApiClient, world: World
) -> None:
    await ingest_authenticated_event(world, 0, 1)
    world.clock.advance(-600)
    await ingest_authenticated_event(world, 1, 0)
    await ingest_authenticated_event(world, 2, 1)
    world.clock.advance(600)  # a webhook is never later than the clock
    assert (await manager.get("integration")).json()["keyUses"] == [
        {"scheme": "bearer", "position": 0, "lastUsedAt": "2026-03-14T14:50:00Z"},
        {"scheme": "bearer", "position": 1, "lastUsedAt": "2026-03-14T15:00:00Z"},
    ]


async def test_uses_before_a_rotation_are_omitted(manager: StaffApiClient, world: World) -> None:
    await ingest_authenticated_event(world, 0, 0)
    await put_credentials(manager, webhookSecrets=[NEW_WEBHOOK_SECRET])
    integration = (await manager.get("integration")).json()
    assert (integration["keyUses"], integration["keyUsesFrom"]) == ([], "2026-03-14T15:00:05Z")


async def test_uses_after_a_rotation_are_returned(manager: StaffApiClient, world: World) -> None:
    await put_credentials(manager, webhookSecrets=[NEW_WEBHOOK_SECRET])
    world.clock.advance(301)
    await ingest_authenticated_event(world, 0, 1, "standard-webhooks")
    [use] = (await manager.get("integration")).json()["keyUses"]
    assert (use["scheme"], use["position"]) == ("standard-webhooks", 1)


async def test_a_polled_event_is_not_a_credential_use(
    manager: StaffApiClient, world: World
) -> None:
    world.actions.create(world.clock(), 2)
    await world.poll()
    assert (await manager.get("integration")).json()["keyUses"] == []


@pytest.mark.parametrize(
    "refused",
    [{"restaurantId": "777"}, {"enabled": True, "timeZone": "Europe/Nowhere"}],
    ids=["taken number", "unusable zone"],
)
async def test_a_refused_change_leaves_no_credential(
    refused: dict[str, Any],
    operator: StaffApiClient,
    secret_file: RestaurantSecretFile,
    world: World,
) -> None:
    before, settings = secret_file.read(), await world.read_settings_document()
    claim = paths.rid_claim_document(world.context.firestore, "777")
    await claim.set({"restaurantId": "elsewhere"})
    body = refused | {"credentials": {"webhookSecrets": [NEW_WEBHOOK_SECRET]}}
    assert (await operator.put("integration", body)).status_code in {400, 409}
    assert (secret_file.read(), await world.read_settings_document()) == (before, settings)
