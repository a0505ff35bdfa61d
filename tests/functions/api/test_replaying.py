"""A replay keeps what was true when the statement came: its proof, and its place in time."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.body import WebhookFormat
from shared.core.change import Channel
from shared.core.signature import Verification
from shared.edge import paths
from shared.edge.intake import IncomingEvent, QuarantineResult, ingest_event
from tests.functions.api.caller import Caller, code_of
from tests.statements import envelope
from tests.world import BEGINNING, World

PROOF = Verification(is_accepted=True, reason="bearer", credential_index=1)
HOUR = timedelta(hours=1)


async def told(world: World, body: dict[str, Any]) -> str | None:
    """Have a webhook told; return the quarantine item's id where it is kept aside."""
    statement = IncomingEvent(
        WebhookFormat.ENVELOPE,
        body,
        json.dumps(body),
        "application/json",
        world.clock(),
        Channel.WEBHOOK,
        PROOF,
    )
    taken = await ingest_event(world.services, world.settings(), statement)
    return taken.id if isinstance(taken, QuarantineResult) else None


def at(moment: datetime, kind: str = "created", **data: Any) -> dict[str, Any]:
    said = {"id": f"{kind}-{moment:%H%M}", "timestamp": moment.isoformat()}
    return envelope(kind, **data) | said


async def ahead(world: World) -> str:
    """Quarantine an event of a relay whose clock is two hours ahead."""
    id_ = await told(world, at(BEGINNING + 2 * HOUR, partySize=7))
    assert id_
    return id_


@pytest.mark.parametrize("later", [timedelta(0), 3 * HOUR])
async def test_an_event_from_ahead_of_its_time_can_be_replayed(
    later: timedelta, manager: Caller, world: World
) -> None:
    id_ = await ahead(world)
    world.clock.advance(later.total_seconds())
    replayed = (await manager.post(f"quarantine/{id_}/replay")).json()
    assert replayed["outcome"] == "created"
    assert (await world.ledger())["ot_1"]["partySize"] == 7


async def test_it_is_dated_by_when_it_came(manager: Caller, world: World) -> None:
    id_ = await ahead(world)
    world.clock.advance(3 * 3600)
    await manager.post(f"quarantine/{id_}/replay")
    [statement] = (await world.ledger())["ot_1"]["statusHistory"]
    assert statement["timestamp"] == BEGINNING


async def test_it_never_overrules_what_was_said_after_it_came(
    manager: Caller, world: World
) -> None:
    id_ = await ahead(world)
    world.clock.advance(3600)
    await told(world, at(BEGINNING + HOUR, "updated", partySize=2))
    world.clock.advance(2 * 3600)
    await manager.post(f"quarantine/{id_}/replay")
    assert (await world.ledger())["ot_1"]["partySize"] == 2


async def test_how_its_sender_proved_who_it_is_is_told_and_kept(
    manager: Caller, world: World
) -> None:
    id_ = await ahead(world)
    await manager.post(f"quarantine/{id_}/replay")
    shown = (await manager.get(f"quarantine/{id_}")).json()
    assert shown["status"] == "REPLAYED"
    assert shown["verdict"] == {"scheme": "bearer", "keyPosition": 1}
    assert shown["receivedAt"] == "2026-03-14T15:00:00Z"


async def test_a_replayed_item_names_its_event(manager: Caller, world: World) -> None:
    id_ = await ahead(world)
    replayed = (await manager.post(f"quarantine/{id_}/replay")).json()
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id)
    assert (await items.document(id_).get()).get("eventId") == replayed["eventId"]


async def test_a_replayed_event_that_its_relay_sends_again_is_a_duplicate(
    manager: Caller, world: World
) -> None:
    id_ = await ahead(world)
    await manager.post(f"quarantine/{id_}/replay")
    before = await world.ledger()
    world.clock.advance(3 * 3600)
    assert await told(world, at(BEGINNING + 2 * HOUR, partySize=7)) is None
    assert await world.ledger() == before


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_nothing_is_replayed_into_an_integration_that_is_switched_off(
    dry: str, manager: Caller, world: World
) -> None:
    id_ = await ahead(world)
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"enabled": False})
    refused = await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")
    assert code_of(refused) == (409, "DISABLED")


async def test_a_blank_reason_is_none(manager: Caller, world: World) -> None:
    id_ = await ahead(world)
    refused = await manager.post(f"quarantine/{id_}/dismiss", {"reason": "  "})
    assert code_of(refused) == (400, "INVALID_REQUEST")
