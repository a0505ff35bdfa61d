"""The quarantine: looked at, rehearsed, replayed, dismissed."""

import json
from typing import Any

import pytest

from shared.core.body import WebhookFormat
from shared.core.change import Channel
from shared.edge import paths
from shared.edge.intake import IncomingEvent, QuarantineResult, ingest_event
from tests.functions.api.caller import Caller, code_of
from tests.statements import envelope, row
from tests.world import World


async def aside(
    world: World, body: dict[str, Any], shape: WebhookFormat = WebhookFormat.ENVELOPE
) -> str:
    """Have a statement quarantined, and return the item's id."""
    statement = IncomingEvent(
        shape, body, json.dumps(body), "application/json", world.clock(), Channel.WEBHOOK
    )
    taken = await ingest_event(world.services, world.settings(), statement)
    assert isinstance(taken, QuarantineResult)
    return taken.id


async def misread(world: World) -> str:
    """Quarantine a row for a rid that the settings do not have yet."""
    return await aside(world, row(7), WebhookFormat.OPENTABLE_RESERVATION)


async def mend(world: World) -> None:
    await paths.integration_document(world.services.firestore, world.restaurant.id).update(
        {"restaurantId": "555001"}
    )


async def item(world: World, id_: str) -> dict[str, Any]:
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id)
    return (await items.document(id_).get()).to_dict() or {}


async def test_items_are_listed_open_ones_first_then_newest_first(
    manager: Caller, world: World
) -> None:
    ids = []
    for size in (0, -1, -2):
        ids.append(await aside(world, envelope(partySize=size)))
        world.clock.advance(60)
    await manager.post(f"quarantine/{ids[2]}/dismiss", {"reason": "known"})
    listed = (await manager.get("quarantine")).json()
    assert [item["id"] for item in listed["items"]] == [ids[1], ids[0], ids[2]]
    assert listed["openCount"] == 2


async def test_a_listed_item_has_no_body(manager: Caller, world: World) -> None:
    await aside(world, envelope(partySize=0))
    [listed] = (await manager.get("quarantine")).json()["items"]
    assert "body" not in listed
    assert listed["reason"] == "invalid_partySize"


async def test_the_list_is_bounded(manager: Caller, world: World) -> None:
    for size in (0, -1, -2):
        await aside(world, envelope(partySize=size))
    listed = (await manager.get("quarantine", params={"limit": "2"})).json()
    assert (len(listed["items"]), listed["openCount"]) == (2, 3)


async def test_a_body_is_masked(manager: Caller, world: World) -> None:
    id_ = await aside(world, envelope(partySize=0, dinerPhone="15551234567"))
    told = (await manager.get(f"quarantine/{id_}")).json()
    assert told["masked"]
    assert json.loads(told["body"])["data"] == {
        "dinerName": "•••",
        "partySize": 0,
        "reservationDateTime": "2026-03-14T23:15:00Z",
        "status": "confirmed",
        "reservationId": "ot_1",
        "dinerPhone": "•••",
    }


async def test_a_masked_look_leaves_no_trace(manager: Caller, world: World) -> None:
    id_ = await aside(world, envelope(partySize=0))
    await manager.get(f"quarantine/{id_}")
    assert "unmaskedViews" not in await item(world, id_)


async def test_an_unmasked_look_is_written_in_the_item(manager: Caller, world: World) -> None:
    body = envelope(partySize=0)
    id_ = await aside(world, body)
    told = (await manager.get(f"quarantine/{id_}?unmask=true")).json()
    assert (json.loads(told["body"]), told["masked"]) == (body, False)
    assert (await item(world, id_))["unmaskedViews"] == [{"by": "mara", "at": world.clock()}]


async def test_a_rehearsal_tells_the_difference_and_writes_nothing(
    manager: Caller, world: World
) -> None:
    id_ = await misread(world)
    await mend(world)
    before = await item(world, id_)
    told = (await manager.post(f"quarantine/{id_}/replay?dryRun=true")).json()
    assert (told["dryRun"], told["outcome"]) == (True, "created")
    assert told["changes"]["partySize"] == {"from": None, "to": 4}
    assert (await world.ledger(), await item(world, id_)) == ({}, before)


async def test_a_replay_does_what_its_rehearsal_told(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await mend(world)
    path = f"quarantine/{id_}/replay"
    rehearsed = (await manager.post(f"{path}?dryRun=true")).json()
    replayed = (await manager.post(path)).json()
    assert replayed == rehearsed | {"dryRun": False}
    assert (await world.ledger())["ot_1"]["partySize"] == 4


async def test_a_replayed_item_says_what_became_of_it(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await mend(world)
    await manager.post(f"quarantine/{id_}/replay")
    held = await item(world, id_)
    assert (held["status"], held["outcome"], held["reservationId"], held["settledBy"]) == (
        "REPLAYED",
        "created",
        "opentable-ot_1",
        "mara",
    )


async def test_a_replay_is_journaled_as_one(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await mend(world)
    await manager.post(f"quarantine/{id_}/replay")
    [event] = (await manager.get("reservations/opentable-ot_1/events")).json()["events"]
    assert event["source"] == "REPLAY"


async def test_a_replay_twice_is_refused(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await mend(world)
    await manager.post(f"quarantine/{id_}/replay")
    refused = await manager.post(f"quarantine/{id_}/replay")
    assert code_of(refused) == (409, "ALREADY_REPLAYED")


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_what_still_cannot_be_applied_stays_open(
    dry: str, manager: Caller, world: World
) -> None:
    id_ = await aside(world, envelope(partySize=0))
    refused = await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")
    assert code_of(refused) == (409, "STILL_REJECTED")
    assert ((await item(world, id_))["status"], (await item(world, id_))["count"]) == ("OPEN", 1)


@pytest.mark.parametrize("body", ["[1]", "{}", '{"eventType": "x", "data": 1}', "{"])
async def test_what_is_no_statement_cannot_be_replayed(
    body: str, manager: Caller, world: World
) -> None:
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id)
    id_ = await misread(world)
    await items.document(id_).update({"body": body})
    refused = await manager.post(f"quarantine/{id_}/replay")
    assert code_of(refused) == (409, "STILL_REJECTED")


async def test_a_dismissal_keeps_its_reason(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await manager.post(f"quarantine/{id_}/dismiss", {"reason": "A test of ours"})
    held = await item(world, id_)
    assert (held["status"], held["dismissedBecause"]) == ("DISMISSED", "A test of ours")


async def test_a_dismissal_without_a_reason_is_refused(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    refused = await manager.post(f"quarantine/{id_}/dismiss")
    assert code_of(refused) == (400, "INVALID_REQUEST")
    assert (await item(world, id_))["status"] == "OPEN"


async def test_a_settled_item_cannot_be_dismissed(manager: Caller, world: World) -> None:
    id_ = await misread(world)
    await manager.post(f"quarantine/{id_}/dismiss", {"reason": "known"})
    refused = await manager.post(f"quarantine/{id_}/dismiss", {"reason": "again"})
    assert code_of(refused) == (409, "NOT_OPEN")


@pytest.mark.parametrize("call", ["", "/replay", "/dismiss"])
async def test_an_unknown_item_is_not_found(call: str, manager: Caller) -> None:
    method = "POST" if call else "GET"
    body = {"json": {"reason": "x"}} if call == "/dismiss" else {}
    assert code_of(await manager.call(method, f"quarantine/none{call}", **body))[0] == 404
