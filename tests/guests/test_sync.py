"""Guests in a poll: stored, linked to their reservations, and merged."""

import asyncio
import dataclasses

import msgspec
import pytest

from functions.api.reservations import build_reservation_response
from tests.guests.conftest import ADA
from tests.support.firestore import FirestoreSpy
from tests.support.guests import GuestScenario


@pytest.fixture
def loser(scenario: GuestScenario) -> str:
    """Add a guest to merge into another one."""
    return scenario.guests.add("A.", "L.").key


async def test_the_first_poll_writes_each_reservation_once_with_its_guest(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA
    assert list(await scenario.journal(booked)) == [f"seq-{booked.sequence_id}"]


async def test_only_guests_referenced_by_a_stored_reservation_are_stored(
    scenario: GuestScenario, ada: str
) -> None:
    stranger = scenario.guests.add("Some", "Stranger").key
    scenario.book(ada)
    await scenario.poll()
    scenario.guests.rename(stranger, "Another", "Stranger")
    await scenario.poll()
    assert (await scenario.stored_guests()).keys() == {ada.lower()}


async def test_a_stranger_who_books_later_is_fetched_by_id(
    scenario: GuestScenario, ada: str
) -> None:
    for _ in range(4):
        await scenario.poll()
    request_count = scenario.count_requests("guest")
    booked = scenario.book(ada)
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA
    assert scenario.count_requests("guest") == request_count + 1


async def test_a_changed_guest_updates_all_of_that_guests_reservations(
    scenario: GuestScenario, ada: str
) -> None:
    reservations = [scenario.book(ada), scenario.book(ada)]
    await scenario.poll()
    scenario.guests.rename(ada, "Ada", "King")
    scenario.guests.update_contact(ada, "king@example.com", "2125550111")
    await scenario.poll()
    for reservation in reservations:
        shown = await scenario.shown_diner(reservation)
        assert shown == ("Ada King", "+12125550111", "king@example.com")


async def test_changed_guests_are_stored_concurrently(
    scenario: GuestScenario, ada: str, firestore_spy: FirestoreSpy
) -> None:
    other = scenario.guests.add("Grace", "Hopper").key
    booked = [scenario.book(key) for key in (ada, other)]
    for _ in range(3):  # until the lookback of a poll contains no reservation
        await scenario.poll()
    for key in (ada, other):
        scenario.guests.rename(key, "Mary", "Somerville")
    context = msgspec.structs.replace(scenario.world.context, firestore=firestore_spy.client)
    lease_is_written, both_are_written = asyncio.Barrier(1), asyncio.Barrier(2)
    barriers = (lease_is_written, both_are_written, both_are_written)
    firestore_spy.before_commit.extend(barrier.wait for barrier in barriers)
    async with asyncio.timeout(20):
        world = msgspec.structs.replace(scenario.world, context=context)
        await dataclasses.replace(scenario, world=world).poll()
    for reservation in booked:
        assert (await scenario.shown_diner(reservation))[0] == "Mary Somerville"


async def test_a_guest_link_is_journaled_with_key_and_version_and_no_value(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.poll()
    renamed = scenario.guests.rename(ada, "Ada", "King")
    await scenario.poll()
    [entry] = [
        entry
        for entry in (await scenario.journal(booked)).values()
        if entry["eventType"] == "guest.linked"
    ]
    assert entry["guest"]["guestKey"] == ada.lower()
    assert entry["guest"]["version"]["sequenceId"] == renamed.sequence_id
    assert (entry["changes"], entry["fields"]) == ({}, {})
    assert "King" not in str(entry)


async def test_an_unchanged_guest_writes_nothing(scenario: GuestScenario, ada: str) -> None:
    scenario.book(ada)
    await scenario.poll()
    before = await scenario.world.ledger_documents()
    await scenario.world.poll()
    await scenario.world.poll()
    assert await scenario.world.ledger_documents() == before


@pytest.mark.parametrize("form", ["url", "key"])
async def test_reservations_of_a_merged_guest_are_linked_to_the_survivor(
    scenario: GuestScenario, ada: str, loser: str, form: str
) -> None:
    scenario.world.sandbox.choices.primary_guest = form  # type: ignore[assignment] # parametrised
    booked = scenario.book(loser)
    await scenario.poll()
    scenario.guests.merge(loser, ada)
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA
    assert "A." not in str((await scenario.stored_guests())[loser.lower()])


async def test_a_survivor_renamed_after_the_merge_is_renamed_in_the_losers_reservations(
    scenario: GuestScenario, ada: str, loser: str
) -> None:
    booked = scenario.book(loser)
    await scenario.poll()
    scenario.guests.merge(loser, ada)
    await scenario.poll()
    scenario.guests.rename(ada, "Ada", "King")
    await scenario.poll()
    assert (await scenario.shown_diner(booked))[0] == "Ada King"


@pytest.mark.parametrize("is_last_merge_first", [False, True])
@pytest.mark.parametrize("polls_between", [False, True])
async def test_a_chain_of_merges_is_followed_in_either_order(
    scenario: GuestScenario, ada: str, loser: str, *, is_last_merge_first: bool, polls_between: bool
) -> None:
    middle = scenario.guests.add("B.").key
    booked = scenario.book(loser)
    await scenario.poll()
    merges = [(loser, middle), (middle, ada)]
    for merged, survivor in reversed(merges) if is_last_merge_first else merges:
        scenario.guests.merge(merged, survivor)
        if polls_between:
            await scenario.poll()
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA


async def test_a_reservation_created_after_the_merge_is_linked_to_the_survivor(
    scenario: GuestScenario, ada: str, loser: str
) -> None:
    scenario.guests.merge(loser, ada)
    booked = scenario.book(loser)
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA


async def test_circularly_merged_guests_are_unresolved_and_block_nothing(
    scenario: GuestScenario, loser: str
) -> None:
    other = scenario.guests.add("B.").key
    booked = scenario.book(loser)
    await scenario.poll()
    scenario.guests.merge(loser, other)
    scenario.guests.merge(other, loser)
    await scenario.poll()
    await scenario.poll()
    assert (await scenario.shown_diner(booked))[0] == "OpenTable Guest"


async def test_a_copper_tier_merge_removes_stored_details(
    scenario: GuestScenario, ada: str, loser: str
) -> None:
    scenario.world.sandbox.tokens.partners[0].tier = "copper"
    booked = scenario.book(loser)
    await scenario.poll()
    scenario.guests.merge(loser, ada)
    await scenario.poll()
    assert (await scenario.shown_diner(booked))[0] == "OpenTable Guest"
    paths = await scenario.world.all_documents()
    assert [path for path in paths if "openTableQuarantine" in path] == []


async def test_changed_mail_and_marketing_preferences_are_stored_and_shown(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.poll()
    scenario.guests.set_preferences(ada, email_opt_in=False, marketing_opt_out=True)
    await scenario.poll()
    stored = (await scenario.stored_guests())[ada.lower()]
    assert (stored["emailOptin"], stored["marketingOptedOut"]) == (False, True)
    [(key, document)] = (await scenario.world.ledger_documents()).items()
    shown = build_reservation_response(key, document, scenario.world.settings())
    assert key == booked.key.lower()
    assert (shown.email_optin, shown.marketing_opted_out) == (False, True)


async def test_reconciliation_fetches_a_guest_missed_by_the_poll(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.world.ingest_row(scenario.row(booked))
    await scenario.world.reconcile()
    assert await scenario.shown_diner(booked) == ADA
