"""The restaurant's webhooks: address, deliveries, refusals, generated credentials, test events."""

from collections.abc import Iterator

import pytest

from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port
from shared.domain.webhook_auth import decode_webhook_secret
from shared.ingest.deliveries import record_refusal
from tests.support.events import envelope_body
from tests.support.processes import ServedFunction, serve_deployed_function
from tests.support.quarantine import ingest_envelope_body
from tests.support.reservations import apply_envelope
from tests.support.staff_api import (
    OLD_WEBHOOK_SECRET,
    RestaurantSecretFile,
    StaffApiClient,
    error_code,
)
from tests.support.webhooks import store_refusals
from tests.support.world import World

PATH = "integration/webhooks"
LIST_NAMES = {
    "standard-webhooks": "webhookSecrets",
    "bearer": "bearerTokens",
    "basic": "basicCredentials",
}


async def test_a_restaurant_without_webhooks_has_empty_lists(manager: StaffApiClient) -> None:
    assert (await manager.get(PATH)).json() == {
        "url": None,
        "acceptedSchemes": ["bearer"],
        "lastWebhookAt": None,
        "lastPolledAt": None,
        "refusals": [],
        "deliveries": [],
    }


async def test_the_address_comes_from_the_environment(manager: StaffApiClient) -> None:
    url = "https://opentable-webhook.example/"
    client = manager.with_environment(webhook_url=url)
    assert (await client.get(PATH)).json()["url"] == url


async def test_deliveries_are_listed_newest_first_with_their_outcome(
    manager: StaffApiClient, world: World
) -> None:
    await apply_envelope(world)
    world.clock.advance(60)
    await apply_envelope(world, "updated", 1, partySize=6)
    body = (await manager.get(PATH)).json()
    listed = [(each["eventType"], each["outcome"]) for each in body["deliveries"]]
    assert listed == [("reservation.updated", "updated"), ("reservation.created", "created")]
    assert body["lastWebhookAt"] == body["deliveries"][0]["at"] == "2026-03-14T15:01:00Z"


async def test_the_last_poll_is_returned(manager: StaffApiClient, world: World) -> None:
    await world.poll()
    assert (await manager.get(PATH)).json()["lastPolledAt"] == "2026-03-14T15:00:00Z"


async def test_a_quarantined_delivery_leads_to_its_item(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await ingest_envelope_body(world, envelope_body(partySize=0))
    [delivery] = (await manager.get(PATH)).json()["deliveries"]
    assert (delivery["outcome"], delivery["quarantineId"]) == ("quarantined", id_)
    assert delivery["reason"] == "invalid_partySize"


async def test_refused_webhooks_are_counted_with_their_reason(
    manager: StaffApiClient, world: World
) -> None:
    for _ in range(3):
        record_refusal(world.context, world.restaurant.id, "bearer", "no_credential_matches")
        world.clock.advance(1)
    await store_refusals(world.context)
    body = (await manager.get(PATH)).json()
    [refusal], [delivery] = body["refusals"], body["deliveries"]
    assert refusal == {
        "scheme": "bearer",
        "reason": "no_credential_matches",
        "count": 3,
        "since": "2026-03-14T15:00:00Z",
        "lastAt": "2026-03-14T15:00:02Z",
    }
    assert (delivery["outcome"], delivery["count"]) == ("refused", 3)


@pytest.mark.parametrize("limit", [1, 50])
async def test_up_to_50_deliveries_can_be_requested(limit: int, manager: StaffApiClient) -> None:
    assert (await manager.get(PATH, params={"limit": limit})).status_code == 200


@pytest.mark.parametrize("scheme", LIST_NAMES)
async def test_a_generated_credential_is_stored_before_the_newest_and_returned_once(
    scheme: str, manager: StaffApiClient, secret_file: RestaurantSecretFile
) -> None:
    before = secret_file.read().get(LIST_NAMES[scheme], [])
    response = await manager.post(f"{PATH}/credentials", {"scheme": scheme})
    assert response.headers["cache-control"] == "no-store"
    credential = response.json()["credential"]
    assert secret_file.read()[LIST_NAMES[scheme]] == [credential, *before[:1]]
    for path in (PATH, "integration"):
        assert credential not in (await manager.get(path)).text


async def test_a_generated_signing_secret_has_the_length_of_the_specification(
    manager: StaffApiClient, secret_file: RestaurantSecretFile, world: World
) -> None:
    body = {"scheme": "standard-webhooks", "keepPrevious": False}
    secret = (await manager.post(f"{PATH}/credentials", body)).json()["credential"]
    assert 24 <= len(decode_webhook_secret(secret)) <= 64
    assert secret_file.read()["webhookSecrets"] == [secret] != [OLD_WEBHOOK_SECRET]
    assert (await world.read_settings_document())["credentialsChangedAt"] == world.clock()


@pytest.fixture
def webhook(
    emulator: Emulator, project: str, secret_file: RestaurantSecretFile
) -> Iterator[ServedFunction]:
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(secret_file.path),
    ) as started:
        yield started


async def test_a_test_event_reaches_the_webhook_and_changes_nothing(
    manager: StaffApiClient, webhook: ServedFunction, world: World
) -> None:
    client = manager.with_environment(webhook_url=webhook.url)
    for scheme in LIST_NAMES:
        await client.post(f"{PATH}/credentials", {"scheme": scheme})
    await client.put("integration", {"webhookAuth": list(LIST_NAMES)})
    before = await world.all_documents()
    for scheme in LIST_NAMES:
        body = (await client.post(f"{PATH}/test", {"scheme": scheme})).json()
        assert 0 <= body.pop("durationMs") < 10_000
        assert body == {"works": True, "scheme": scheme, "httpStatus": 200, "problem": None}
    assert await world.all_documents() == before


async def test_a_failed_test_event_is_explained(
    manager: StaffApiClient, webhook: ServedFunction
) -> None:
    client = manager.with_environment(webhook_url=webhook.url)
    await client.post(f"{PATH}/credentials", {"scheme": "bearer"})
    refused = (await client.post(f"{PATH}/test", {"scheme": "standard-webhooks"})).json()
    assert (refused["works"], refused["httpStatus"]) == (False, 401)
    assert "does not accept" in refused["problem"]
    await client.put("integration", {"enabled": False})
    paused = await client.post(f"{PATH}/test")
    assert error_code(paused) == (409, "SETTINGS_UNUSABLE")
    assert "paused" in paused.json()["error"]["message"]


async def test_an_address_without_a_function_is_explained(manager: StaffApiClient) -> None:
    url = f"http://{LOOPBACK}:{find_free_port()}"
    client = manager.with_environment(webhook_url=url)
    await client.post(f"{PATH}/credentials", {"scheme": "bearer"})
    body = (await client.post(f"{PATH}/test")).json()
    assert (body["works"], body["httpStatus"]) == (False, None)
    assert "does not answer" in body["problem"]


@pytest.mark.parametrize(
    "scheme, credential",
    [("standard-webhooks", "whsec_!"), ("standard-webhooks", "é"), ("bearer", "é")],
)
async def test_a_malformed_credential_is_explained(
    scheme: str,
    credential: str,
    manager: StaffApiClient,
    secret_file: RestaurantSecretFile,
) -> None:
    secret_file.write({LIST_NAMES[scheme]: [credential]})
    client = manager.with_environment(webhook_url="http://127.0.0.1:1")
    response = await client.post(f"{PATH}/test", {"scheme": scheme})
    assert error_code(response) == (409, "SETTINGS_UNUSABLE")
    assert "is malformed" in response.json()["error"]["message"]


async def test_without_an_address_or_a_credential_no_test_event_is_sent(
    manager: StaffApiClient,
) -> None:
    assert error_code(await manager.post(f"{PATH}/test")) == (409, "SETTINGS_UNUSABLE")
    client = manager.with_environment(webhook_url="http://127.0.0.1:1")
    response = await client.post(f"{PATH}/test")
    assert error_code(response) == (409, "SETTINGS_UNUSABLE")
    assert "generate a credential" in response.json()["error"]["message"]
