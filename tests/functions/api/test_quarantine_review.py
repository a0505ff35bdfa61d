"""Who reviewed a quarantined event, what a preview shows, and many events at once."""

from typing import Any

import pytest

from functions.api import quarantine_actions
from shared.domain.normalization.webhook_body import WebhookFormat
from tests.support.events import envelope_body, row_body
from tests.support.quarantine import (
    quarantine_event_body,
    quarantine_event_from_future,
    quarantine_row_of_unknown_rid,
    read_item,
    set_rid,
)
from tests.support.staff_api import StaffApiClient
from tests.support.world import World


async def test_a_listed_item_names_what_it_is_about(manager: StaffApiClient, world: World) -> None:
    await quarantine_event_body(world, envelope_body(partySize=-3, dinerName="John Doe"))
    [listed] = (await manager.get("quarantine")).json()["items"]
    assert listed["summary"] == {
        "eventType": "reservation.created",
        "externalId": "ot_1",
        "startAt": "2026-03-14T23:15:00Z",
        "partySize": "-3",
        "guest": "J••• D•••",
    }
    assert listed["message"] == "Party size is \N{MINUS SIGN}3. Ask the sender to correct it."


async def test_a_dismissed_item_names_who_and_why(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_row_of_unknown_rid(world)
    await manager.post(f"quarantine/{id_}/dismiss", {"reason": "Our own test"})
    [listed] = (await manager.get("quarantine")).json()["items"]
    for item in (listed, (await manager.get(f"quarantine/{id_}")).json()):
        assert (item["status"], item["dismissReason"]) == ("DISMISSED", "Our own test")
        assert (item["resolvedBy"], item["resolvedAt"]) == ("mara", "2026-03-14T15:00:00Z")


async def test_a_replayed_item_names_its_reservation_and_outcome(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_row_of_unknown_rid(world)
    await set_rid(world)
    await manager.post(f"quarantine/{id_}/replay")
    [listed] = (await manager.get("quarantine")).json()["items"]
    assert (listed["status"], listed["resolvedBy"]) == ("REPLAYED", "mara")
    assert (listed["reservationId"], listed["outcome"]) == ("opentable-ot_1", "created")


PERSONAL = {"dinerName": "John Doe", "dinerPhone": "+15551234567", "specialRequests": "Window"}


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_the_changes_of_a_replay_are_masked_like_the_body(
    dry: str, manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world, **PERSONAL)
    response = (await manager.post(f"quarantine/{id_}/replay?dryRun={dry}")).json()
    assert response["masked"]
    for path in ("dinerName", "phone", "metadata.specialRequests"):
        assert response["changes"][path] == {"from": None, "to": "•••"}
    assert response["changes"]["partySize"] == {"from": None, "to": 7}


async def test_unmasked_changes_are_logged_in_the_item(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_from_future(world, **PERSONAL)
    response = await manager.post(f"quarantine/{id_}/replay?dryRun=true&unmask=true")
    assert response.json()["changes"]["dinerName"] == {"from": None, "to": "John Doe"}
    item = (await manager.get(f"quarantine/{id_}")).json()
    assert item["views"] == [{"by": "mara", "byName": None, "at": "2026-03-14T15:00:00Z"}]


async def test_a_field_that_stays_null_is_no_change(manager: StaffApiClient, world: World) -> None:
    id_ = await quarantine_event_from_future(world, **PERSONAL)
    changes = (await manager.post(f"quarantine/{id_}/replay?dryRun=true")).json()["changes"]
    assert [path for path, change in changes.items() if change["from"] == change["to"]] == []


async def quarantine_many(world: World, count: int) -> list[str]:
    shape = WebhookFormat.OPENTABLE_RESERVATION
    bodies = (row_body(7, id=f"ot_{number}") for number in range(count))
    return [await quarantine_event_body(world, body, shape) for body in bodies]


async def test_a_bulk_dry_run_counts_the_outcomes_and_applies_nothing(
    manager: StaffApiClient, world: World
) -> None:
    await quarantine_many(world, 3)
    await set_rid(world)
    response = await manager.post("quarantine/replay?dryRun=true", {"reason": "wrong_rid"})
    assert response.json() == {
        "dryRun": True,
        "matching": 3,
        "processed": 3,
        "outcomes": {"created": 3},
        "rejected": 0,
        "next": None,
    }
    assert await world.ledger_documents() == {}
    assert (await manager.get("quarantine")).json()["openCount"] == 3


async def test_a_bulk_replay_applies_every_event_with_the_reason(
    manager: StaffApiClient, world: World
) -> None:
    await quarantine_many(world, 3)
    other = await quarantine_event_body(world, envelope_body(partySize=0))
    await set_rid(world)
    response = (await manager.post("quarantine/replay", {"reason": "wrong_rid"})).json()
    assert response["outcomes"] == {"created": 3}
    assert len(await world.ledger_documents()) == 3
    items = (await manager.get("quarantine")).json()
    assert [item["id"] for item in items["items"] if item["status"] == "OPEN"] == [other]


async def test_an_event_rejected_again_does_not_stop_a_bulk_replay(
    manager: StaffApiClient, world: World
) -> None:
    ids = await quarantine_many(world, 3)
    await world.quarantine_collection.document(ids[1]).update({"body": 7})
    await set_rid(world)
    response = (await manager.post("quarantine/replay", {"reason": "wrong_rid"})).json()
    assert (response["outcomes"], response["rejected"]) == ({"created": 2}, 1)
    assert (await read_item(world, ids[1]))["status"] == "OPEN"


async def test_a_bulk_replay_continues_where_it_stopped(
    manager: StaffApiClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_actions, "_BULK_PAGE_SIZE", 2)
    monkeypatch.setattr(quarantine_actions, "_MAX_BULK_PAGES", 1)
    await quarantine_many(world, 3)
    await set_rid(world)
    body: dict[str, Any] = {"reason": "wrong_rid"}
    first = (await manager.post("quarantine/replay", body)).json()
    second = (await manager.post("quarantine/replay", body | {"cursor": first["next"]})).json()
    assert (first["processed"], second["processed"], second["next"]) == (2, 1, None)


async def test_a_bulk_dismissal_stores_who_and_why(manager: StaffApiClient, world: World) -> None:
    [id_, _] = await quarantine_many(world, 2)
    body = {"reason": "wrong_rid", "dismissReason": "Our own test"}
    rehearsed = (await manager.post("quarantine/dismiss?dryRun=true", body)).json()
    assert (rehearsed["matching"], rehearsed["dismissed"]) == (2, 0)
    response = (await manager.post("quarantine/dismiss", body)).json()
    assert (response["matching"], response["dismissed"], response["next"]) == (2, 2, None)
    stored = await read_item(world, id_)
    assert (stored["status"], stored["resolvedBy"]) == ("DISMISSED", "mara")
    assert stored["dismissReason"] == "Our own test"
