"""Which credential the webhooks came with: told after a rotation, so that the old one can go."""

from typing import Any

import pytest
from msgspec.structs import replace

from shared.core.body import WebhookFormat
from shared.core.change import Channel
from shared.core.signature import Verification
from shared.edge.intake import IncomingEvent, ingest_event
from shared.edge.staff.staffroom import ApiContext
from tests.functions.api.caller import Caller, served
from tests.functions.api.safe_file import NEW_SECRET
from tests.statements import envelope
from tests.world import World

NOON = "2026-03-14T15:00:00Z"


@pytest.fixture
def nobody(filed: ApiContext, world: World) -> Caller:
    return Caller(served(filed), world.restaurant.id, None)


async def hear(world: World, minute: int, position: int, scheme: str = "bearer") -> None:
    """Have a webhook come that was proved with a credential."""
    body = envelope("updated", minute, partySize=minute + 1)
    statement = IncomingEvent(
        WebhookFormat.ENVELOPE, body, str(body), "application/json", world.clock(), Channel.WEBHOOK
    )
    proved = replace(
        statement, verdict=Verification(is_accepted=True, reason=scheme, credential_index=position)
    )
    await ingest_event(world.services, world.settings(), proved)


async def told(caller: Caller) -> dict[str, Any]:
    whole: dict[str, Any] = (await caller.get("integration")).json()
    return whole


async def test_a_credential_in_use_is_told_with_its_last_use(manager: Caller, world: World) -> None:
    await hear(world, 0, 1)
    world.clock.advance(-600)
    await hear(world, 1, 0)
    await hear(world, 2, 1)
    assert (await told(manager))["keyUses"] == [
        {"scheme": "bearer", "position": 0, "lastUsedAt": "2026-03-14T14:50:00Z"},
        {"scheme": "bearer", "position": 1, "lastUsedAt": NOON},
    ]


async def test_uses_from_before_a_rotation_are_left_out(manager: Caller, world: World) -> None:
    await hear(world, 0, 0)
    await manager.put("integration", {"credentials": {"webhookSecrets": [NEW_SECRET]}})
    whole = await told(manager)
    assert (whole["keyUses"], whole["keyUsesFrom"]) == ([], "2026-03-14T15:05:00Z")


async def test_uses_from_after_a_rotation_are_told(manager: Caller, world: World) -> None:
    await manager.put("integration", {"credentials": {"webhookSecrets": [NEW_SECRET]}})
    world.clock.advance(301)
    await hear(world, 0, 1, "standard-webhooks")
    [use] = (await told(manager))["keyUses"]
    assert (use["scheme"], use["position"]) == ("standard-webhooks", 1)


async def test_what_the_poll_brought_is_no_use(manager: Caller, world: World) -> None:
    world.desk.create(world.clock(), 2)
    await world.poll()
    assert (await told(manager))["keyUses"] == []
