"""Which credential the webhooks came with: told after a rotation, so that the old one can go."""

from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.ledger.events import Channel
from shared.domain.normalization.strict_json import WebhookFormat
from shared.domain.webhook_auth.verify import Verification
from shared.ingest.events import IncomingEvent, ingest_event
from shared.staff.auth import ApiContext
from tests.support.events import envelope_body
from tests.support.staff_api import NEW_WEBHOOK_SECRET, StaffApiClient, api_transport
from tests.support.world import World

NOON = "2026-03-14T15:00:00Z"


@pytest.fixture
def anonymous_client(api_context_with_secret_file: ApiContext, world: World) -> StaffApiClient:
    return StaffApiClient(api_transport(api_context_with_secret_file), world.restaurant.id, None)


async def ingest_authenticated_event(
    world: World, minute: int, position: int, scheme: str = "bearer"
) -> None:
    """Have a webhook come that was proved with a credential."""
    body = envelope_body("updated", minute, partySize=minute + 1)
    statement = IncomingEvent(
        WebhookFormat.ENVELOPE, body, str(body), "application/json", world.clock(), Channel.WEBHOOK
    )
    proved = replace(
        statement, verdict=Verification(is_accepted=True, reason=scheme, credential_index=position)
    )
    await ingest_event(world.services, world.settings(), proved)


async def request_integration(caller: StaffApiClient) -> dict[str, Any]:
    whole: dict[str, Any] = (await caller.get("integration")).json()
    return whole


async def test_a_used_credential_is_returned_with_its_last_use(
    manager: StaffApiClient, world: World
) -> None:
    await ingest_authenticated_event(world, 0, 1)
    world.clock.advance(-600)
    await ingest_authenticated_event(world, 1, 0)
    await ingest_authenticated_event(world, 2, 1)
    assert (await request_integration(manager))["keyUses"] == [
        {"scheme": "bearer", "position": 0, "lastUsedAt": "2026-03-14T14:50:00Z"},
        {"scheme": "bearer", "position": 1, "lastUsedAt": NOON},
    ]


async def test_uses_before_a_rotation_are_omitted(manager: StaffApiClient, world: World) -> None:
    await ingest_authenticated_event(world, 0, 0)
    await manager.put("integration", {"credentials": {"webhookSecrets": [NEW_WEBHOOK_SECRET]}})
    whole = await request_integration(manager)
    assert (whole["keyUses"], whole["keyUsesFrom"]) == ([], "2026-03-14T15:05:00Z")


async def test_uses_after_a_rotation_are_returned(manager: StaffApiClient, world: World) -> None:
    await manager.put("integration", {"credentials": {"webhookSecrets": [NEW_WEBHOOK_SECRET]}})
    world.clock.advance(301)
    await ingest_authenticated_event(world, 0, 1, "standard-webhooks")
    [use] = (await request_integration(manager))["keyUses"]
    assert (use["scheme"], use["position"]) == ("standard-webhooks", 1)


async def test_a_polled_event_is_not_a_credential_use(
    manager: StaffApiClient, world: World
) -> None:
    world.desk.create(world.clock(), 2)
    await world.poll()
    assert (await request_integration(manager))["keyUses"] == []
