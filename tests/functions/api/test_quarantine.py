"""List, show, replay and dismiss quarantined events.

A replay is not authenticated again, and uses the time of the first receipt.
"""

import json
from datetime import timedelta

import pytest

from tests.support.events import envelope_body
from tests.support.quarantine import (
    HOUR,
    envelope_at,
    ingest_envelope_body,
    quarantine_event_body,
    quarantine_event_from_future,
    quarantine_row_of_unknown_rid,
    read_item,
    set_rid,
)
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import START_TIME, World


async def test_items_are_listed_open_ones_first_then_newest_first(
    manager: StaffApiClient, world: World
) -> None:
    ids = []
    for size in (0, -1, -2):
        ids.append(await quarantine_event_body(world, envelope_body(partySize=size)))
        world.clock.advance(60)
    await manager.post(f"quarantine/{ids[2]}/dismiss", {"reason": "known"})
    listed = (await manager.get("quarantine")).json()
    assert [item["id"] for item in listed["items"]] == [ids[1], ids[0], ids[2]]
    assert listed["openCount"] == 2


async def test_a_listed_item_has_no_body(manager: StaffApiClient, world: World) -> None:
    await quarantine_event_body(world, envelope_body(partySize=0))
    [listed] = (await manager.get("quarantine")).json()["items"]
    assert "body" not in listed
    assert listed["reason"] == "invalid_partySize"


async def test_the_list_is_bounded(manager: StaffApiClient, world: World) -> None:
    for size in (0, -1, -2):
        await quarantine_event_body(world, envelope_body(partySize=size))
    listed = (await manager.get("quarantine", params={"limit": "2"})).json()
    assert (len(listed["items"]), listed["openCount"]) == (2, 3)


async def test_a_body_is_masked(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_event_body(world, envelope_body(partySize=0, dinerPhone="15551234567"))
    body = (await manager.get(f"quarantine/{id_}")).json()
    assert body["masked"]
    assert json.loads(body["body"])["data"] == {
        "dinerName": "•••",
        "partySize": 0,
        "reservationDateTime": "2026-03-14T23:15:00Z",
        "status": "confirmed",
        "reservationId": "ot_1",
        "dinerPhone": "•••",
    }


@pytest.mark.parametrize("call", ["GET {}", "POST {}/replay?dryRun=true"])
async def test_a_masked_view_is_not_logged(
    call: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    response = await manager.call(*call.format(f"quarantine/{id_}").split())
    assert response.json()["masked"]
    assert "unmaskLog" not in await read_item(world, id_)


async def test_an_unmasked_read_is_logged_in_the_item(
    manager: StaffApiClient, world: World
) -> None:
    envelope = envelope_body(partySize=0)
    id_ = await quarantine_event_body(world, envelope)
    body = (await manager.get(f"quarantine/{id_}?unmask=true")).json()
    assert (json.loads(body["body"]), body["masked"]) == (envelope, False)
    assert (await read_item(world, id_))["unmaskLog"] == [{"by": "mara", "at": world.clock()}]


@pytest.fixture
async def replay_path(world: World) -> str:
    """The path to replay a row that was quarantined before its rid was in the settings."""
    id_ = await quarantine_row_of_unknown_rid(world)
    await set_rid(world)
    return f"quarantine/{id_}/replay"


async def test_a_dry_run_returns_the_changes_and_writes_nothing(
    manager: StaffApiClient, world: World, replay_path: str
) -> None:
    await manager.get("me")  # adds the user id to the staff document
    before = await world.all_documents()
    body = (await manager.post(f"{replay_path}?dryRun=true")).json()
    assert (body["dryRun"], body["outcome"]) == (True, "created")
    assert body["changes"]["partySize"] == {"from": None, "to": 4}
    assert await world.all_documents() == before


async def test_a_replay_applies_the_changes_of_its_dry_run(
    manager: StaffApiClient, world: World, replay_path: str
) -> None:
    rehearsed = (await manager.post(f"{replay_path}?dryRun=true")).json()
    replayed = (await manager.post(replay_path)).json()
    assert replayed == rehearsed | {"dryRun": False}
    assert (await world.ledger_documents())["ot_1"]["partySize"] == 4


async def test_a_replay_is_journaled_with_the_replay_channel_and_the_user(
    manager: StaffApiClient, replay_path: str
) -> None:
    await manager.post(replay_path)
    [event] = (await manager.get("reservations/opentable-ot_1/events")).json()["events"]
    assert (event["source"], event["by"]) == ("REPLAY", "mara")


async def test_a_replay_twice_is_refused(manager: StaffApiClient, replay_path: str) -> None:
    await manager.post(replay_path)
    assert error_code(await manager.post(replay_path)) == (409, "ALREADY_REPLAYED")


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_what_still_cannot_be_applied_stays_open(
    dry: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_body(world, envelope_body(partySize=0))
    response = await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")
    assert error_code(response) == (409, "STILL_REJECTED")
    stored = await read_item(world, id_)
    assert (stored["status"], stored["count"]) == ("OPEN", 1)


@pytest.mark.parametrize("body", ["[1]", "{}", '{"eventType": "x", "data": 1}', "{"])
async def test_a_body_other_than_an_event_cannot_be_replayed(
    body: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_row_of_unknown_rid(world)
    await world.quarantine_collection.document(id_).update({"body": body})
    response = await manager.post(f"quarantine/{id_}/replay")
    assert error_code(response) == (409, "STILL_REJECTED")


async def test_a_resolved_item_cannot_be_dismissed(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_row_of_unknown_rid(world)
    await manager.post(f"quarantine/{id_}/dismiss", {"reason": "known"})
    response = await manager.post(f"quarantine/{id_}/dismiss", {"reason": "again"})
    assert error_code(response) == (409, "NOT_OPEN")


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
    [entry] = (await world.ledger_documents())["ot_1"]["statusHistory"]
    assert entry["timestamp"] == START_TIME


async def test_a_replayed_event_never_overrides_newer_events(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    world.clock.advance(3600)
    await ingest_envelope_body(world, envelope_at(START_TIME + HOUR, "updated", partySize=2))
    world.clock.advance(2 * 3600)
    await manager.post(f"quarantine/{id_}/replay")
    assert (await world.ledger_documents())["ot_1"]["partySize"] == 2


async def test_a_replayed_item_still_shows_its_receipt_and_authentication_result(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    await manager.post(f"quarantine/{id_}/replay")
    shown = (await manager.get(f"quarantine/{id_}")).json()
    assert shown["status"] == "REPLAYED"
    assert shown["authentication"] == {"scheme": "bearer", "credentialIndex": 1}
    assert shown["receivedAt"] == "2026-03-14T15:00:00Z"


async def test_a_replayed_item_names_its_event(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_event_from_future(world)
    replayed = (await manager.post(f"quarantine/{id_}/replay")).json()
    assert (await read_item(world, id_))["eventId"] == replayed["eventId"]


async def test_a_replayed_event_that_its_relay_sends_again_is_a_duplicate(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    await manager.post(f"quarantine/{id_}/replay")
    before = await world.ledger_documents()
    world.clock.advance(3 * 3600)
    repeated = envelope_at(START_TIME + 2 * HOUR, partySize=7)
    assert await ingest_envelope_body(world, repeated) is None
    assert await world.ledger_documents() == before


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_nothing_is_replayed_into_an_integration_that_is_switched_off(
    dry: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world)
    await world.change_settings(enabled=False)
    response = await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")
    assert error_code(response) == (409, "DISABLED")
