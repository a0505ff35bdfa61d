"""What an hourly run keeps in order: erasures repeated, guests fetched, both within bounds."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from shared.edge import paths, upkeep
from shared.edge.connection import RestaurantContext, load_restaurant_context
from shared.edge.opentable.clock import Deadline
from shared.errors import ServiceUnavailableError
from tests.edge.guest_party import SOON, Party
from tests.edge.marked_diner import places_of
from tests.wire import Wire
from tests.world import make_world


@pytest.fixture
async def party(firestore: AsyncClient) -> AsyncIterator[Party]:
    world = await make_world(firestore)
    yield Party(world)
    world.executor.shutdown()


async def connected(party: Party) -> RestaurantContext:
    services, settings = party.world.services, party.world.settings()
    return await load_restaurant_context(services, settings, Deadline.after(30))


async def left_behind(party: Party) -> None:
    """Leave a forgotten diner's words in a journal, as a writer does that the erasure overtook."""
    key = party.guests.add("Zoë", "Marked").key
    booked = party.world.desk.create(SOON, 2, guest_key=key)
    await party.hear(booked)
    party.guests.forget(key)
    party.world.clock.advance(60)
    await party.world.poll()
    entry_id = min(await party.journal(booked))
    client, restaurant_id = party.world.services.firestore, party.world.restaurant.id
    reservation = paths.reservation_document(client, restaurant_id, booked.key.lower())
    await (
        paths.journal_collection(reservation)
        .document(entry_id)
        .update({"payload": '{"guest_request": "marked"}'})
    )


@pytest.mark.parametrize("hours, repeated", [(1, True), (47, True), (49, False)])
async def test_an_erasure_is_repeated_for_two_days(
    party: Party, hours: int, *, repeated: bool
) -> None:
    await left_behind(party)
    party.world.clock.advance(timedelta(hours=hours).total_seconds())
    await upkeep.repeat_erasures(await connected(party))
    assert (places_of(await party.everything()) == []) is repeated


async def test_a_dry_run_erases_nothing(party: Party) -> None:
    await left_behind(party)
    await party.world.reconcile(is_dry_run=True)
    assert places_of(await party.everything()) != []


async def test_a_run_fetches_so_many_guests_and_the_next_one_the_rest(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MAX_GUESTS_FETCHED", 2)
    for number in range(3):
        key = party.guests.add("Ada", str(number)).key
        await party.world.take_in(party.row(party.world.desk.create(SOON, 2, guest_key=key)))
    fetched = []
    for _ in range(3):
        await party.world.reconcile()
        fetched.append(party.asked("guest"))
    assert fetched == [2, 3, 3]


async def test_a_guest_whose_id_can_be_no_key_is_never_asked_for(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key="no key")
    await party.hear(booked)
    await party.world.poll()
    report = await party.world.reconcile()
    assert (report["status"], party.asked("guest")) == ("COMPLETED", 0)


async def test_a_store_that_is_away_is_named(party: Party, wire: Wire) -> None:
    connection = await connected(party)
    wire.refusal = google.ServiceUnavailable
    away = replace(connection.context, firestore=wire.client)
    with pytest.raises(ServiceUnavailableError):
        await upkeep.repeat_erasures(replace(connection, context=away))
    with pytest.raises(ServiceUnavailableError):
        await upkeep.delete_expired_documents(away)
