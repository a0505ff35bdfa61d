"""The guests' part of a poll: who is kept, who is told, who hands over to whom."""

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import AsyncClient

from dev.sandbox.records import SandboxReservation
from functions.staff.book import build_reservation_response
from tests.edge.guest_party import SOON, Party
from tests.world import make_world

ADA = ("Ada Lovelace", "+12125550100", "ada@example.com")


@pytest.fixture
async def party(firestore: AsyncClient) -> AsyncIterator[Party]:
    world = await make_world(firestore)
    yield Party(world)
    world.executor.shutdown()


def ada(party: Party) -> str:
    return party.guests.add("Ada", "Lovelace", "ada@example.com", "2125550100").key


def booked_for(party: Party, key: str) -> SandboxReservation:
    return party.world.desk.create(SOON, 2, guest_key=key)


async def polled(party: Party) -> None:
    party.world.clock.advance(900)
    assert (await party.world.poll())["status"] == "ok"


async def test_the_first_poll_writes_each_reservation_once_with_its_guest(party: Party) -> None:
    booked = booked_for(party, ada(party))
    await polled(party)
    assert await party.diner(booked) == ADA
    assert list(await party.journal(booked)) == [f"seq-{booked.sequence_id}"]


async def test_only_guests_whom_a_held_reservation_names_are_kept(party: Party) -> None:
    key, stranger = ada(party), party.guests.add("Some", "Stranger").key
    booked_for(party, key)
    await polled(party)
    party.guests.rename(stranger, "Another", "Stranger")
    await polled(party)
    assert (await party.held()).keys() == {key.lower()}


async def test_a_stranger_who_books_later_is_fetched_by_id(party: Party) -> None:
    stranger = ada(party)
    await polled(party)
    for _ in range(3):
        await polled(party)
    before = party.asked("guest")
    booked = booked_for(party, stranger)
    await polled(party)
    assert (await party.diner(booked), party.asked("guest") - before) == (ADA, 1)


async def test_a_changed_guest_updates_all_of_that_guests_reservations(party: Party) -> None:
    key = ada(party)
    first, second = booked_for(party, key), booked_for(party, key)
    await polled(party)
    party.guests.rename(key, "Ada", "King")
    party.guests.update_contact(key, "king@example.com", "2125550111")
    await polled(party)
    king = ("Ada King", "+12125550111", "king@example.com")
    assert [await party.diner(each) for each in (first, second)] == [king, king]


async def test_a_join_is_journaled_with_key_and_version_and_no_value(party: Party) -> None:
    key = ada(party)
    booked = booked_for(party, key)
    await polled(party)
    renamed = party.guests.rename(key, "Ada", "King")
    await polled(party)
    [entry] = [
        entry
        for entry in (await party.journal(booked)).values()
        if entry["eventType"] == "guest.joined"
    ]
    assert entry["guest"]["guestKey"] == key.lower()
    assert entry["guest"]["version"]["sequenceId"] == renamed.sequence_id
    assert (entry["changes"], entry["said"]) == ({}, {})
    assert "King" not in str(entry)


async def test_a_guest_told_again_writes_nothing(party: Party) -> None:
    booked_for(party, ada(party))
    await polled(party)
    before = await party.world.ledger()
    await party.world.poll()
    await party.world.poll()
    assert await party.world.ledger() == before


async def test_the_losers_reservations_go_to_the_survivor(party: Party) -> None:
    loser, survivor = party.guests.add("A.", "L.").key, ada(party)
    booked = booked_for(party, loser)
    await polled(party)
    party.guests.merge(loser, survivor)
    await polled(party)
    assert await party.diner(booked) == ADA
    assert "A." not in str((await party.held())[loser.lower()])


async def test_a_survivor_who_is_renamed_later_renames_the_losers_reservations(
    party: Party,
) -> None:
    loser, survivor = party.guests.add("A.", "L.").key, ada(party)
    booked = booked_for(party, loser)
    await polled(party)
    party.guests.merge(loser, survivor)
    await polled(party)
    party.guests.rename(survivor, "Ada", "King")
    await polled(party)
    assert (await party.diner(booked))[0] == "Ada King"


@pytest.mark.parametrize("end_first", [False, True])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_chain_of_merges_is_followed_in_either_order(
    party: Party, *, end_first: bool, apart: bool
) -> None:
    loser, middle = party.guests.add("A.").key, party.guests.add("B.").key
    survivor = ada(party)
    booked = booked_for(party, loser)
    await polled(party)
    merges = [(loser, middle), (middle, survivor)]
    for one, other in reversed(merges) if end_first else merges:
        party.guests.merge(one, other)
        if apart:
            await polled(party)
    await polled(party)
    assert await party.diner(booked) == ADA


async def test_a_reservation_of_a_merged_guest_that_comes_after_the_merge_is_the_survivors(
    party: Party,
) -> None:
    loser, survivor = party.guests.add("A.", "L.").key, ada(party)
    party.guests.merge(loser, survivor)
    booked = booked_for(party, loser)
    await polled(party)
    assert await party.diner(booked) == ADA


@pytest.mark.parametrize("form", ["url", "key"])
async def test_the_survivor_is_read_in_every_form_that_the_pages_write(
    party: Party, form: str
) -> None:
    party.world.sandbox.choices.primary_guest = form  # type: ignore[assignment] # parametrised
    loser, survivor = party.guests.add("A.", "L.").key, ada(party)
    booked = booked_for(party, loser)
    await polled(party)
    party.guests.merge(loser, survivor)
    await polled(party)
    assert await party.diner(booked) == ADA


async def test_guests_merged_in_a_circle_lead_to_nobody_and_stop_nobody(party: Party) -> None:
    one, other = party.guests.add("A.").key, party.guests.add("B.").key
    booked = booked_for(party, one)
    await polled(party)
    party.guests.merge(one, other)
    party.guests.merge(other, one)
    await polled(party)
    await polled(party)
    assert (await party.diner(booked))[0] == "OpenTable Guest"


async def test_a_copper_merge_drops_what_was_held_and_is_no_puzzle(party: Party) -> None:
    party.world.sandbox.tokens.partners[0].tier = "copper"
    loser, survivor = party.guests.add("A.", "L.").key, ada(party)
    booked = booked_for(party, loser)
    await polled(party)
    party.guests.merge(loser, survivor)
    await polled(party)
    assert (await party.diner(booked))[0] == "OpenTable Guest"
    paths = await party.world.everything()
    assert [path for path in paths if "openTableQuarantine" in path] == []


async def test_wishes_about_mail_and_marketing_are_kept(party: Party) -> None:
    key = ada(party)
    booked_for(party, key)
    await polled(party)
    party.guests.set_preferences(key, email_opt_in=True, marketing_opt_out=True)
    await polled(party)
    held = (await party.held())[key.lower()]
    assert (held["emailOptin"], held["marketingOptedOut"]) == (True, True)


async def test_reconciliation_brings_a_guest_whom_no_poll_brought(party: Party) -> None:
    booked = booked_for(party, ada(party))
    await party.world.take_in(party.row(booked))
    await party.world.reconcile()
    assert await party.diner(booked) == ADA


async def test_wishes_about_mail_and_marketing_are_shown_with_the_reservation(
    party: Party,
) -> None:
    key = ada(party)
    booked = booked_for(party, key)
    party.guests.set_preferences(key, email_opt_in=False, marketing_opt_out=True)
    await polled(party)
    [(id_, document)] = (await party.world.ledger()).items()
    told = build_reservation_response(id_, document, ZoneInfo("America/New_York"))
    assert (booked.key.lower(), told.marketing_opted_out, told.email_optin) == (id_, True, False)
