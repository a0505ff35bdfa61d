"""What an hourly run keeps in order: erasures repeated, guests fetched, both within bounds."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from shared.concurrency import Deadline
from shared.context import RestaurantContext, load_restaurant_context
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.guests import sync
from shared.guests.erasure import repeat_erasures
from tests.support.firestore import FirestoreSpy
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, find_marked_fields
from tests.support.world import make_world


@pytest.fixture
async def guest_scenario(firestore: FirestoreClient) -> AsyncIterator[GuestScenario]:
    world = await make_world(firestore)
    yield GuestScenario(world)
    world.executor.shutdown()


async def maintenance_context(party: GuestScenario) -> RestaurantContext:
    services, settings = party.world.services, party.world.settings()
    return await load_restaurant_context(services, settings, Deadline.after(30))


async def leave_unerased_text(party: GuestScenario) -> None:
    """Leave a forgotten diner's words in a journal, as a writer does that the erasure overtook."""
    key = party.guests.add("Zoë", "Marked").key
    booked = party.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=key)
    await party.ingest_and_fetch_guest(booked)
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
    guest_scenario: GuestScenario, hours: int, *, repeated: bool
) -> None:
    await leave_unerased_text(guest_scenario)
    guest_scenario.world.clock.advance(timedelta(hours=hours).total_seconds())
    await repeat_erasures(await maintenance_context(guest_scenario))
    assert (find_marked_fields(await guest_scenario.all_documents()) == []) is repeated


async def test_a_dry_run_erases_nothing(guest_scenario: GuestScenario) -> None:
    await leave_unerased_text(guest_scenario)
    await guest_scenario.world.reconcile(is_dry_run=True)
    assert find_marked_fields(await guest_scenario.all_documents()) != []


async def test_a_run_fetches_so_many_guests_and_the_next_one_the_rest(
    guest_scenario: GuestScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_GUESTS_PER_RECONCILIATION", 2)
    for number in range(3):
        key = guest_scenario.guests.add("Ada", str(number)).key
        await guest_scenario.world.ingest_row(
            guest_scenario.row(guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=key))
        )
    fetched = []
    for _ in range(3):
        await guest_scenario.world.reconcile()
        fetched.append(guest_scenario.count_requests("guest"))
    assert fetched == [2, 3, 3]


async def test_a_guest_with_an_unusable_id_is_never_requested(
    guest_scenario: GuestScenario,
) -> None:
    booked = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key="no key")
    await guest_scenario.ingest_and_fetch_guest(booked)
    await guest_scenario.world.poll()
    report = await guest_scenario.world.reconcile()
    assert (report["status"], guest_scenario.count_requests("guest")) == ("COMPLETED", 0)


async def test_a_store_that_is_away_is_named(
    guest_scenario: GuestScenario, firestore_spy: FirestoreSpy
) -> None:
    connection = await maintenance_context(guest_scenario)
    firestore_spy.failure = google.ServiceUnavailable
    away = replace(connection.context, firestore=firestore_spy.client)
    with pytest.raises(ServiceUnavailableError):
        await repeat_erasures(replace(connection, context=away))
