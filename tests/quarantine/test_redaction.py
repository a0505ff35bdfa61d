import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from shared.domain.ledger.guest_link import Guest
from shared.errors import ServiceUnavailableError
from shared.guests.repository import save_guest
from tests.support.events import RID, row_body
from tests.support.firestore import FirestoreSpy
from tests.support.guests import quarantine_text
from tests.support.restaurants import Restaurant
from tests.support.world import World

KEY = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
FORGOTTEN_GUEST = Guest("gone1", forgotten_at=NOON)


@pytest.fixture(autouse=True)
def _restaurant_of_the_ledger(world: World, restaurant: Restaurant) -> None:
    world.restaurant = restaurant


async def store_body(world: World, body: object) -> Any:
    """Quarantine a body and return it as stored."""
    await quarantine_text(world, json.dumps(body))
    [item] = [item async for item in world.quarantine_collection.stream()]
    return json.loads(item.get("body"))


async def store_guests(world: World, *guests: Guest) -> None:
    for guest in guests:
        await save_guest(world.restaurant_context(), guest)


@pytest.mark.parametrize(
    "body",
    [
        {"id": f"{RID}-{KEY}", "rid": int(RID), "guest_request": "Nuts"},
        {"data": {"reservationId": KEY, "dinerName": "Ada", "partySize": 0}},
        {"id": "évt", "data": "Ada"},
        {"id": ".", "guest_id": "__gone__", "notes": "Ada"},
        {"notes": "Ada"},
        ["Ada"],
        "Ada",
        None,
    ],
)
async def test_a_body_without_forgotten_guests_is_stored_unchanged(
    world: World, body: object
) -> None:
    await store_guests(world, FORGOTTEN_GUEST)
    assert await store_body(world, body) == body


@pytest.mark.parametrize("guest_id", ["gone1", f"{RID}-gone1"])
async def test_the_id_of_a_forgotten_guest_redacts_the_body(world: World, guest_id: str) -> None:
    await store_guests(world, FORGOTTEN_GUEST)
    body = {"id": "?", "rid": int(RID), "guest_id": guest_id, "guest_request": "Nuts"}
    assert await store_body(world, body) == {"rid": int(RID), "guest_id": guest_id}


async def test_a_guest_resolved_to_a_forgotten_one_redacts_the_body(world: World) -> None:
    merged = Guest("loser1", is_merged=True, survivor_key="gone1", survivor_id=f"{RID}-gone1")
    await store_guests(world, merged, FORGOTTEN_GUEST)
    redacted = {"rid": int(RID), "guest_id": f"{RID}-loser1", "party_size": 0}
    assert await store_body(world, redacted | {"guest_request": "Nuts"}) == redacted


@pytest.mark.parametrize("written", [KEY, KEY.upper(), f"{RID}-{KEY}"])
@pytest.mark.parametrize("name", ["id", "reservationId", "reservation_id"])
@pytest.mark.parametrize("inside", [False, True])
async def test_a_reservation_of_a_forgotten_guest_redacts_the_body(
    world: World, written: str, name: str, *, inside: bool
) -> None:
    await store_guests(world, FORGOTTEN_GUEST)
    await world.ingest_row(row_body(1, id=f"{RID}-{KEY}", guest_id=f"{RID}-gone1"))
    body: dict[str, Any] = {name: written, "dinerName": "Ada", "partySize": 0}
    redacted: dict[str, Any] = (
        {name: written, "partySize": 0} if name != "reservation_id" else {"partySize": 0}
    )
    if inside:
        body, redacted = {"data": body}, {"data": redacted}
    assert await store_body(world, body) == redacted


async def test_a_firestore_failure_is_raised(world: World, firestore_spy: FirestoreSpy) -> None:
    firestore_spy.failure = google.ServiceUnavailable
    world = replace(world, context=replace(world.context, firestore=firestore_spy.client))
    with pytest.raises(ServiceUnavailableError):
        await quarantine_text(world, json.dumps({"id": KEY}))


async def test_quarantining_the_same_body_again_gives_the_same_item(world: World) -> None:
    await store_guests(world, FORGOTTEN_GUEST)
    for request in ("Nuts", "No nuts"):
        await quarantine_text(
            world, json.dumps({"guest_id": "gone1", "party_size": 0, "notes": request})
        )
    items = world.quarantine_collection.stream()
    assert [item.get("count") async for item in items] == [2]
