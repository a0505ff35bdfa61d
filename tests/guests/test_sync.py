"""The guests' part of a poll: who is kept, who is told, who hands over to whom."""

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from functions.api.book import build_reservation_response
from sandbox.models import SandboxReservation
from shared.firestore.raw_client import FirestoreClient
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario
from tests.support.world import make_world

ADA = ("Ada Lovelace", "+12125550100", "ada@example.com")


@pytest.fixture
async def guest_scenario(firestore: FirestoreClient) -> AsyncIterator[GuestScenario]:
    world = await make_world(firestore)
    yield GuestScenario(world)
    world.executor.shutdown()


def add_ada(party: GuestScenario) -> str:
    return party.guests.add("Ada", "Lovelace", "ada@example.com", "2125550100").key


def book_for(party: GuestScenario, key: str) -> SandboxReservation:
    return party.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=key)


async def poll_with_guests(party: GuestScenario) -> None:
    party.world.clock.advance(900)
    assert (await party.world.poll())["status"] == "ok"


async def test_the_first_poll_writes_each_reservation_once_with_its_guest(
    guest_scenario: GuestScenario,
) -> None:
    booked = book_for(guest_scenario, add_ada(guest_scenario))
    await poll_with_guests(guest_scenario)
    assert await guest_scenario.shown_diner(booked) == ADA
    assert list(await guest_scenario.journal(booked)) == [f"seq-{booked.sequence_id}"]


async def test_only_guests_referenced_by_a_stored_reservation_are_stored(
    guest_scenario: GuestScenario,
) -> None:
    key, stranger = add_ada(guest_scenario), guest_scenario.guests.add("Some", "Stranger").key
    book_for(guest_scenario, key)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.rename(stranger, "Another", "Stranger")
    await poll_with_guests(guest_scenario)
    assert (await guest_scenario.stored_guests()).keys() == {key.lower()}


async def test_a_stranger_who_books_later_is_fetched_by_id(guest_scenario: GuestScenario) -> None:
    stranger = add_ada(guest_scenario)
    await poll_with_guests(guest_scenario)
    for _ in range(3):
        await poll_with_guests(guest_scenario)
    before = guest_scenario.count_requests("guest")
    booked = book_for(guest_scenario, stranger)
    await poll_with_guests(guest_scenario)
    assert (
        await guest_scenario.shown_diner(booked),
        guest_scenario.count_requests("guest") - before,
    ) == (ADA, 1)


async def test_a_changed_guest_updates_all_of_that_guests_reservations(
    guest_scenario: GuestScenario,
) -> None:
    key = add_ada(guest_scenario)
    first, second = book_for(guest_scenario, key), book_for(guest_scenario, key)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.rename(key, "Ada", "King")
    guest_scenario.guests.update_contact(key, "king@example.com", "2125550111")
    await poll_with_guests(guest_scenario)
    king = ("Ada King", "+12125550111", "king@example.com")
    assert [await guest_scenario.shown_diner(each) for each in (first, second)] == [king, king]


async def test_a_guest_link_is_journaled_with_key_and_version_and_no_value(
    guest_scenario: GuestScenario,
) -> None:
    key = add_ada(guest_scenario)
    booked = book_for(guest_scenario, key)
    await poll_with_guests(guest_scenario)
    renamed = guest_scenario.guests.rename(key, "Ada", "King")
    await poll_with_guests(guest_scenario)
    [entry] = [
        entry
        for entry in (await guest_scenario.journal(booked)).values()
        if entry["eventType"] == "guest.linked"
    ]
    assert entry["guest"]["guestKey"] == key.lower()
    assert entry["guest"]["version"]["sequenceId"] == renamed.sequence_id
    assert (entry["changes"], entry["fields"]) == ({}, {})
    assert "King" not in str(entry)


async def test_an_unchanged_guest_writes_nothing(guest_scenario: GuestScenario) -> None:
    book_for(guest_scenario, add_ada(guest_scenario))
    await poll_with_guests(guest_scenario)
    before = await guest_scenario.world.ledger_documents()
    await guest_scenario.world.poll()
    await guest_scenario.world.poll()
    assert await guest_scenario.world.ledger_documents() == before


async def test_reservations_of_a_merged_guest_are_linked_to_the_survivor(
    guest_scenario: GuestScenario,
) -> None:
    loser, survivor = guest_scenario.guests.add("A.", "L.").key, add_ada(guest_scenario)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.merge(loser, survivor)
    await poll_with_guests(guest_scenario)
    assert await guest_scenario.shown_diner(booked) == ADA
    assert "A." not in str((await guest_scenario.stored_guests())[loser.lower()])


async def test_a_survivor_who_is_renamed_later_renames_the_losers_reservations(
    guest_scenario: GuestScenario,
) -> None:
    loser, survivor = guest_scenario.guests.add("A.", "L.").key, add_ada(guest_scenario)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.merge(loser, survivor)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.rename(survivor, "Ada", "King")
    await poll_with_guests(guest_scenario)
    assert (await guest_scenario.shown_diner(booked))[0] == "Ada King"


@pytest.mark.parametrize("end_first", [False, True])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_chain_of_merges_is_followed_in_either_order(
    guest_scenario: GuestScenario, *, end_first: bool, apart: bool
) -> None:
    loser, middle = guest_scenario.guests.add("A.").key, guest_scenario.guests.add("B.").key
    survivor = add_ada(guest_scenario)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    merges = [(loser, middle), (middle, survivor)]
    for one, other in reversed(merges) if end_first else merges:
        guest_scenario.guests.merge(one, other)
        if apart:
            await poll_with_guests(guest_scenario)
    await poll_with_guests(guest_scenario)
    assert await guest_scenario.shown_diner(booked) == ADA


async def test_a_reservation_of_a_merged_guest_that_comes_after_the_merge_is_the_survivors(
    guest_scenario: GuestScenario,
) -> None:
    loser, survivor = guest_scenario.guests.add("A.", "L.").key, add_ada(guest_scenario)
    guest_scenario.guests.merge(loser, survivor)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    assert await guest_scenario.shown_diner(booked) == ADA


@pytest.mark.parametrize("form", ["url", "key"])
async def test_the_survivor_is_read_in_every_form_that_the_pages_write(
    guest_scenario: GuestScenario, form: str
) -> None:
    guest_scenario.world.sandbox.choices.primary_guest = form  # type: ignore[assignment] # parametrised
    loser, survivor = guest_scenario.guests.add("A.", "L.").key, add_ada(guest_scenario)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.merge(loser, survivor)
    await poll_with_guests(guest_scenario)
    assert await guest_scenario.shown_diner(booked) == ADA


async def test_circularly_merged_guests_are_unresolved_and_block_nothing(
    guest_scenario: GuestScenario,
) -> None:
    one, other = guest_scenario.guests.add("A.").key, guest_scenario.guests.add("B.").key
    booked = book_for(guest_scenario, one)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.merge(one, other)
    guest_scenario.guests.merge(other, one)
    await poll_with_guests(guest_scenario)
    await poll_with_guests(guest_scenario)
    assert (await guest_scenario.shown_diner(booked))[0] == "OpenTable Guest"


async def test_a_copper_tier_merge_removes_stored_details(guest_scenario: GuestScenario) -> None:
    guest_scenario.world.sandbox.tokens.partners[0].tier = "copper"
    loser, survivor = guest_scenario.guests.add("A.", "L.").key, add_ada(guest_scenario)
    booked = book_for(guest_scenario, loser)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.merge(loser, survivor)
    await poll_with_guests(guest_scenario)
    assert (await guest_scenario.shown_diner(booked))[0] == "OpenTable Guest"
    paths = await guest_scenario.world.all_documents()
    assert [path for path in paths if "openTableQuarantine" in path] == []


async def test_mail_and_marketing_preferences_are_stored(guest_scenario: GuestScenario) -> None:
    key = add_ada(guest_scenario)
    book_for(guest_scenario, key)
    await poll_with_guests(guest_scenario)
    guest_scenario.guests.set_preferences(key, email_opt_in=True, marketing_opt_out=True)
    await poll_with_guests(guest_scenario)
    held = (await guest_scenario.stored_guests())[key.lower()]
    assert (held["emailOptin"], held["marketingOptedOut"]) == (True, True)


async def test_reconciliation_fetches_a_guest_missed_by_the_poll(
    guest_scenario: GuestScenario,
) -> None:
    booked = book_for(guest_scenario, add_ada(guest_scenario))
    await guest_scenario.world.ingest_row(guest_scenario.row(booked))
    await guest_scenario.world.reconcile()
    assert await guest_scenario.shown_diner(booked) == ADA


async def test_mail_and_marketing_preferences_are_shown_with_the_reservation(
    guest_scenario: GuestScenario,
) -> None:
    key = add_ada(guest_scenario)
    booked = book_for(guest_scenario, key)
    guest_scenario.guests.set_preferences(key, email_opt_in=False, marketing_opt_out=True)
    await poll_with_guests(guest_scenario)
    [(id_, document)] = (await guest_scenario.world.ledger_documents()).items()
    told = build_reservation_response(id_, document, ZoneInfo("America/New_York"))
    assert (booked.key.lower(), told.marketing_opted_out, told.email_optin) == (id_, True, False)
