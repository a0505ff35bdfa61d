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
from tests.functions.api.caller import StaffApiClient, error_code
from tests.statements import envelope_body
from tests.world import START_TIME, World

VERDICT = Verification(is_accepted=True, reason="bearer", credential_index=1)
HOUR = timedelta(hours=1)


async def ingest_envelope_body(world: World, body: dict[str, Any]) -> str | None:
    """Have a webhook told; return the quarantine item's id where it is kept aside."""
    statement = IncomingEvent(
        WebhookFormat.ENVELOPE,
        body,
        json.dumps(body),
        "application/json",
        world.clock(),
        Channel.WEBHOOK,
        VERDICT,
    )
    result = await ingest_event(world.services, world.settings(), statement)
    return result.id if isinstance(result, QuarantineResult) else None


def envelope_at(moment: datetime, kind: str = "created", **data: Any) -> dict[str, Any]:
    overrides = {"id": f"{kind}-{moment:%H%M}", "timestamp": moment.isoformat()}
    return envelope_body(kind, **data) | overrides


async def quarantine_event_from_future(world: World) -> str:
    """Quarantine an event of a relay whose clock is two hours ahead."""
    id_ = await ingest_envelope_body(world, envelope_at(START_TIME + 2 * HOUR, partySize=7))
    assert id_
    return id_


@pytest.mark.parametrize("later", [timedelta(0), 3 * HOUR])
async def test_a_quarantined_future_event_can_be_replayed(
    later: timedelta, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    world.clock.advance(later.total_seconds())
    replayed = (await manager.post(f"quarantine/{id_}/replay")).json()
    assert replayed["outcome"] == "created"
    assert (await world.ledger_documents())["ot_1"]["partySize"] == 7


async def test_a_replayed_future_event_is_dated_by_its_receipt(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    world.clock.advance(3 * 3600)
    await manager.post(f"quarantine/{id_}/replay")
    [statement] = (await world.ledger_documents())["ot_1"]["statusHistory"]
    assert statement["timestamp"] == START_TIME


async def test_a_replayed_event_never_overrides_newer_events(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    world.clock.advance(3600)
    await ingest_envelope_body(world, envelope_at(START_TIME + HOUR, "updated", partySize=2))
    world.clock.advance(2 * 3600)
    await manager.post(f"quarantine/{id_}/replay")
    assert (await world.ledger_documents())["ot_1"]["partySize"] == 2


async def test_the_authentication_result_is_returned_and_journaled(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    await manager.post(f"quarantine/{id_}/replay")
    shown = (await manager.get(f"quarantine/{id_}")).json()
    assert shown["status"] == "REPLAYED"
    assert shown["verdict"] == {"scheme": "bearer", "credentialIndex": 1}
    assert shown["receivedAt"] == "2026-03-14T15:00:00Z"


async def test_a_replayed_item_names_its_event(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_event_from_future(world)
    replayed = (await manager.post(f"quarantine/{id_}/replay")).json()
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id)
    assert (await items.document(id_).get()).get("eventId") == replayed["eventId"]


async def test_a_replayed_event_that_its_relay_sends_again_is_a_duplicate(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    await manager.post(f"quarantine/{id_}/replay")
    before = await world.ledger_documents()
    world.clock.advance(3 * 3600)
    assert (
        await ingest_envelope_body(world, envelope_at(START_TIME + 2 * HOUR, partySize=7)) is None
    )
    assert await world.ledger_documents() == before


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_nothing_is_replayed_into_an_integration_that_is_switched_off(
    dry: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"enabled": False})
    refused = await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")
    assert error_code(refused) == (409, "DISABLED")


async def test_a_blank_reason_is_missing(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_event_from_future(world)
    refused = await manager.post(f"quarantine/{id_}/dismiss", {"reason": "  "})
    assert error_code(refused) == (400, "INVALID_REQUEST")
