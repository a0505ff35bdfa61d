"""What is kept aside is kept whole, but never with a person who must be forgotten."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from shared.core.guest import Guest
from shared.edge.guests import save_guest
from shared.errors import ServiceUnavailableError
from tests.edge.marked_diner import keep
from tests.page import Page
from tests.restaurants import Restaurant
from tests.statements import RID, row
from tests.wire import Wire
from tests.world import World, make_world

KEY = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
GONE = Guest("gone1", forgotten_at=NOON)


@pytest.fixture
async def world(firestore: AsyncClient) -> AsyncIterator[World]:
    made = await make_world(firestore)
    made.restaurant = Restaurant("restaurant-123", RID)
    yield made
    made.executor.shutdown()


async def kept(world: World, page: Page, body: object) -> Any:
    """Return the body that is kept of this one."""
    await keep(world, json.dumps(body))
    [item] = await page.quarantined()
    return json.loads(item["body"])


async def forget(world: World, *guests: Guest) -> None:
    for guest in guests:
        await save_guest(world.services, world.settings(), guest)


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
async def test_a_body_that_tells_of_nobody_forgotten_is_kept_whole(
    world: World, page: Page, body: object
) -> None:
    await forget(world, GONE)
    assert await kept(world, page, body) == body


@pytest.mark.parametrize("guest_id", ["gone1", f"{RID}-gone1"])
async def test_a_forgotten_guests_id_is_enough(world: World, page: Page, guest_id: str) -> None:
    await forget(world, GONE)
    body = {"id": "?", "rid": int(RID), "guest_id": guest_id, "guest_request": "Nuts"}
    assert await kept(world, page, body) == {"rid": int(RID), "guest_id": guest_id}


async def test_a_guest_who_leads_to_a_forgotten_one_is_enough(world: World, page: Page) -> None:
    merged = Guest("loser1", is_merged=True, survivor_key="gone1", survivor_id=f"{RID}-gone1")
    await forget(world, merged, GONE)
    left = {"rid": int(RID), "guest_id": f"{RID}-loser1", "party_size": 0}
    assert await kept(world, page, left | {"guest_request": "Nuts"}) == left


@pytest.mark.parametrize("written", [KEY, KEY.upper(), f"{RID}-{KEY}"])
@pytest.mark.parametrize("name", ["id", "reservationId", "reservation_id"])
@pytest.mark.parametrize("inside", [False, True])
async def test_a_forgotten_guests_reservation_is_enough(
    world: World, page: Page, written: str, name: str, *, inside: bool
) -> None:
    await forget(world, GONE)
    await world.take_in(row(1, id=f"{RID}-{KEY}", guest_id=f"{RID}-gone1"))
    said = {name: written, "dinerName": "Ada", "partySize": 0}
    body = {"data": said} if inside else said
    left = {name: written, "partySize": 0} if name != "reservation_id" else {"partySize": 0}
    assert await kept(world, page, body) == ({"data": left} if inside else left)


async def test_a_store_that_is_away_is_named(world: World, wire: Wire) -> None:
    wire.refusal = google.ServiceUnavailable
    away = replace(world, services=replace(world.services, firestore=wire.client))
    with pytest.raises(ServiceUnavailableError):
        await keep(away, json.dumps({"id": KEY}))


async def test_keeping_the_same_again_is_the_same_item(world: World, page: Page) -> None:
    await forget(world, GONE)
    for request in ("Nuts", "No nuts"):
        await keep(world, json.dumps({"guest_id": "gone1", "party_size": 0, "notes": request}))
    assert [item["count"] for item in await page.quarantined()] == [2]
