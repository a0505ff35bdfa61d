"""What is kept of guests: the later record wins, whoever writes beside it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from shared.core.change import Channel, Version
from shared.core.guest import Guest, guest_to_map
from shared.core.joined import LinkedGuest, UnresolvedGuest
from shared.core.settings import IntegrationSettings
from shared.edge import paths
from shared.edge.guests import (
    find_reservations_of_guest,
    follow_merges,
    propagate_guest,
    read_guests,
    save_guest,
    save_guests,
)
from shared.edge.services import AppContext
from shared.errors import ServiceUnavailableError
from tests.restaurants import Restaurant
from tests.statements import RID, row
from tests.wire import Wire, failing
from tests.world import World, make_world

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
GONE = Guest("g", forgotten_at=NOON)
MERGED = Guest("g", is_merged=True, survivor_key="s", survivor_id=f"{RID}-s")


def ada(version: int, key: str = "g", name: str = "Ada") -> Guest:
    return Guest(key, Version.from_sequence(version, NOON), {"firstName": name, "tags": []})


@pytest.fixture
async def world(firestore: AsyncClient) -> Any:
    made = await make_world(firestore)
    made.restaurant = Restaurant("restaurant-123", RID)
    yield made
    made.executor.shutdown()


@pytest.fixture
def tapped(world: World, wire: Wire) -> AppContext:
    return replace(world.services, firestore=wire.client)


async def held(world: World, settings: IntegrationSettings) -> dict[str, Guest]:
    guests = paths.guests_collection(world.services.firestore, settings.restaurant_id).stream()
    keys = [guest.id async for guest in guests]
    return await read_guests(world.services, settings, keys)


@pytest.mark.parametrize("other", [ada(1), ada(2, name="Zoë"), MERGED, GONE])
@pytest.mark.parametrize("reverse", [False, True])
async def test_two_records_in_either_order_leave_the_higher_one(
    world: World, settings: IntegrationSettings, other: Guest, *, reverse: bool
) -> None:
    two = [ada(1), other]
    for guest in reversed(two) if reverse else two:
        await save_guest(world.services, settings, guest)
    assert await held(world, settings) == {"g": other}


async def test_what_is_held_already_is_no_news(world: World, settings: IntegrationSettings) -> None:
    assert await save_guest(world.services, settings, ada(2))
    assert not await save_guest(world.services, settings, ada(2))
    assert not await save_guest(world.services, settings, ada(1))


async def test_nothing_of_a_person_is_left_beside_a_tombstone(
    world: World, settings: IntegrationSettings
) -> None:
    await save_guest(world.services, settings, ada(2))
    await save_guest(world.services, settings, GONE)
    guests = paths.guests_collection(world.services.firestore, settings.restaurant_id)
    assert (await guests.document("g").get()).to_dict() == guest_to_map(GONE)


async def test_nothing_brings_a_forgotten_guest_back(
    world: World, settings: IntegrationSettings
) -> None:
    await save_guests(world.services, settings, [GONE])
    await save_guests(world.services, settings, [ada(9), MERGED])
    assert await held(world, settings) == {"g": GONE}


async def test_many_are_kept_in_one_commit(
    world: World, settings: IntegrationSettings, tapped: AppContext, wire: Wire
) -> None:
    many = [ada(1, f"g{number}") for number in range(50)]
    await save_guests(tapped, settings, many)
    assert wire.counted() == ["read", "commit"]
    assert len(await held(world, settings)) == 50


async def test_many_are_kept_each_by_itself_where_one_came_in_between(
    world: World, settings: IntegrationSettings, tapped: AppContext, wire: Wire
) -> None:
    async def another_writes() -> None:
        await save_guest(world.services, settings, ada(7, "g1"))

    wire.before.append(another_writes)
    await save_guests(tapped, settings, [ada(1, "g0"), ada(2, "g1")])
    assert await held(world, settings) == {"g0": ada(1, "g0"), "g1": ada(7, "g1")}


@pytest.mark.parametrize("before", [None, ada(1)])
async def test_a_record_that_came_in_between_is_judged_again(
    world: World,
    settings: IntegrationSettings,
    tapped: AppContext,
    wire: Wire,
    before: Guest | None,
) -> None:
    if before is not None:
        await save_guest(world.services, settings, before)

    async def forgotten_meanwhile() -> None:
        await save_guest(world.services, settings, GONE)

    wire.before.append(forgotten_meanwhile)
    assert not await save_guest(tapped, settings, ada(5))
    assert await held(world, settings) == {"g": GONE}


async def test_a_record_that_never_stands_still_is_given_up(
    settings: IntegrationSettings, tapped: AppContext, wire: Wire
) -> None:
    wire.before.extend([failing(google.Aborted)] * 9)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await save_guest(tapped, settings, ada(1))


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_a_store_that_is_away_is_named(
    settings: IntegrationSettings, tapped: AppContext, wire: Wire, error: type[Exception]
) -> None:
    wire.refusal = error
    for call in (
        save_guest(tapped, settings, ada(1)),
        save_guests(tapped, settings, [ada(1)]),
        read_guests(tapped, settings, ["g"]),
        follow_merges(tapped, settings, "g"),
    ):
        with pytest.raises(ServiceUnavailableError):
            await call


async def test_merges_are_followed_to_their_end(
    world: World, settings: IntegrationSettings
) -> None:
    merged = Guest("a", is_merged=True, survivor_key="g", survivor_id=f"{RID}-g")
    await save_guests(world.services, settings, [merged, MERGED, ada(1, "s")])
    found = await follow_merges(world.services, settings, "a")
    assert isinstance(found, LinkedGuest)
    assert (found.path, found.diner_name) == (("a", "g", "s"), "Ada")


async def test_a_merge_into_somebody_unknown_leads_to_nobody(
    world: World, settings: IntegrationSettings
) -> None:
    await save_guest(world.services, settings, MERGED)
    found = await follow_merges(world.services, settings, "g")
    assert found == UnresolvedGuest(("g", "s"), was_read=True)


async def test_a_record_is_joined_to_all_that_ever_named_it_and_once(
    world: World, settings: IntegrationSettings
) -> None:
    for number, guest_id in enumerate(("g", "g", "other"), start=1):
        named = row(number, id=f"{RID}-ot_{number}", guest_id=f"{RID}-{guest_id}")
        await world.take_in(named)
    await world.take_in(row(9, id=f"{RID}-ot_2", guest_id=f"{RID}-other"))
    await save_guest(world.services, settings, ada(1))
    assert await find_reservations_of_guest(world.services, settings, "g") == ["ot_1", "ot_2"]
    assert await propagate_guest(world.services, settings, "g", Channel.POLL) == 1
    names = {key: each["dinerName"] for key, each in (await world.ledger()).items()}
    assert names == {"ot_1": "Ada", "ot_2": "OpenTable Guest", "ot_3": "OpenTable Guest"}
    assert await propagate_guest(world.services, settings, "g", Channel.POLL) == 0
