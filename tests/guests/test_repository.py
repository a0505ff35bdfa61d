"""Guest records in Firestore: the later one wins, also against a concurrent writer."""

from datetime import UTC, datetime

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from shared.context import RestaurantContext
from shared.domain.ledger.events import Version
from shared.domain.ledger.guest_link import Guest, LinkedGuest, UnresolvedGuest
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.guests.repository import (
    find_reservations_of_guest,
    follow_merges,
    propagate_guest,
    read_guests,
    save_guest,
    save_guests,
)
from tests.support.events import RID, row_body
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.restaurants import Restaurant
from tests.support.world import World

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
FORGOTTEN_GUEST = Guest("g", forgotten_at=NOON)
MERGED = Guest("g", is_merged=True, survivor_key="s", survivor_id=f"{RID}-s")


def ada_record(version: int, key: str = "g", name: str = "Ada") -> Guest:
    return Guest(key, Version.from_sequence(version, NOON), {"firstName": name, "tags": []})


@pytest.fixture
def context(world: World, restaurant: Restaurant) -> RestaurantContext:
    world.restaurant = restaurant
    return world.restaurant_context()


@pytest.fixture
def spied_context(context: RestaurantContext, firestore_spy: FirestoreSpy) -> RestaurantContext:
    spied = replace(context.context, firestore=firestore_spy.client)
    return replace(context, context=spied)


async def read_stored_guests(restaurant: RestaurantContext) -> dict[str, Guest]:
    guests = paths.guests_collection(restaurant.firestore, restaurant.id).stream()
    keys = [guest.id async for guest in guests]
    return await read_guests(restaurant, keys)


@pytest.mark.parametrize(
    "other", [ada_record(1), ada_record(2, name="Zoë"), MERGED, FORGOTTEN_GUEST]
)
@pytest.mark.parametrize("reverse", [False, True])
async def test_two_records_in_either_order_leave_the_higher_one(
    context: RestaurantContext, other: Guest, *, reverse: bool
) -> None:
    guests = [ada_record(1), other]
    for guest in reversed(guests) if reverse else guests:
        await save_guest(context, guest)
    assert await read_stored_guests(context) == {"g": other}


async def test_an_already_stored_record_is_no_change(context: RestaurantContext) -> None:
    assert await save_guest(context, ada_record(2))
    assert not await save_guest(context, ada_record(2))
    assert not await save_guest(context, ada_record(1))


async def test_nothing_brings_a_forgotten_guest_back(context: RestaurantContext) -> None:
    await save_guests(context, [FORGOTTEN_GUEST])
    await save_guests(context, [ada_record(9), MERGED])
    assert await read_stored_guests(context) == {"g": FORGOTTEN_GUEST}


async def test_many_records_are_stored_in_one_commit(
    context: RestaurantContext, spied_context: RestaurantContext, firestore_spy: FirestoreSpy
) -> None:
    guests = [ada_record(1, f"g{number}") for number in range(50)]
    await save_guests(spied_context, guests)
    assert firestore_spy.take_calls() == ["read", "commit"]
    assert len(await read_stored_guests(context)) == 50


async def test_records_are_stored_separately_after_a_lost_race(
    context: RestaurantContext, spied_context: RestaurantContext, firestore_spy: FirestoreSpy
) -> None:
    async def write_concurrently() -> None:
        await save_guest(context, ada_record(7, "g1"))

    firestore_spy.before_commit.append(write_concurrently)
    await save_guests(spied_context, [ada_record(1, "g0"), ada_record(2, "g1")])
    assert await read_stored_guests(context) == {
        "g0": ada_record(1, "g0"),
        "g1": ada_record(7, "g1"),
    }


@pytest.mark.parametrize("stored", [None, ada_record(1)])
async def test_a_concurrently_written_record_is_compared_again(
    context: RestaurantContext,
    spied_context: RestaurantContext,
    firestore_spy: FirestoreSpy,
    stored: Guest | None,
) -> None:
    if stored is not None:
        await save_guest(context, stored)

    async def forget_concurrently() -> None:
        await save_guest(context, FORGOTTEN_GUEST)

    firestore_spy.before_commit.append(forget_concurrently)
    assert not await save_guest(spied_context, ada_record(5))
    assert await read_stored_guests(context) == {"g": FORGOTTEN_GUEST}


async def test_a_constantly_changing_record_raises(
    spied_context: RestaurantContext, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.before_commit.extend([fail_with(google.Aborted)] * 9)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await save_guest(spied_context, ada_record(1))


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_an_unavailable_store_is_reported(
    spied_context: RestaurantContext, firestore_spy: FirestoreSpy, error: type[Exception]
) -> None:
    firestore_spy.failure = error
    for call in (
        save_guest(spied_context, ada_record(1)),
        save_guests(spied_context, [ada_record(1)]),
        read_guests(spied_context, ["g"]),
        follow_merges(spied_context, "g"),
    ):
        with pytest.raises(ServiceUnavailableError):
            await call


async def test_merges_are_followed_to_their_end(context: RestaurantContext) -> None:
    merged = Guest("a", is_merged=True, survivor_key="g", survivor_id=f"{RID}-g")
    await save_guests(context, [merged, MERGED, ada_record(1, "s")])
    guest = await follow_merges(context, "a")
    assert isinstance(guest, LinkedGuest)
    assert (guest.path, guest.diner_name) == (("a", "g", "s"), "Ada")


async def test_a_merge_into_an_unknown_guest_is_unresolved(context: RestaurantContext) -> None:
    await save_guest(context, MERGED)
    guest = await follow_merges(context, "g")
    assert guest == UnresolvedGuest(("g", "s"), was_read=True)


async def test_a_record_is_linked_once_to_every_reservation_that_ever_referenced_it(
    world: World, context: RestaurantContext
) -> None:
    for number, guest_id in enumerate(("g", "g", "other"), start=1):
        row = row_body(number, id=f"{RID}-ot_{number}", guest_id=f"{RID}-{guest_id}")
        await world.ingest_row(row)
    await world.ingest_row(row_body(9, id=f"{RID}-ot_2", guest_id=f"{RID}-other"))
    await save_guest(context, ada_record(1))
    assert await find_reservations_of_guest(context, "g") == [
        "ot_1",
        "ot_2",
    ]
    first = await propagate_guest(context, "g")
    assert first.changed_count == 1
    documents = await world.ledger_documents()
    names = {key: document["dinerName"] for key, document in documents.items()}
    assert names == {"ot_1": "Ada", "ot_2": "OpenTable Guest", "ot_3": "OpenTable Guest"}
    second = await propagate_guest(context, "g")
    assert second.changed_count == 0
