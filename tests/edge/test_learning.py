"""A webhook's guest: joined where held, fetched within a budget where not, never in the way."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from msgspec import structs

from dev.sandbox.faults import FailureKind
from dev.sandbox.records import SandboxGuest
from shared.edge.ledger import ApplyResult
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


async def test_a_new_guest_is_fetched_after_the_commit(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    taken = await party.hear(booked)
    assert taken.outcome == "created"
    assert await party.diner(booked) == ADA
    assert party.asked("guest") == 1


async def test_a_returning_diner_costs_no_call(party: Party) -> None:
    key = ada(party)
    await party.hear(party.world.desk.create(SOON, 2, guest_key=key))
    before = party.asked()
    again = party.world.desk.create(SOON, 4, guest_key=key)
    await party.hear(again)
    assert (await party.diner(again), party.asked()) == (ADA, before)


async def test_a_reservation_without_a_guest_costs_no_call(party: Party) -> None:
    await party.hear(party.world.desk.create(SOON, 2))
    assert party.asked() == 0


async def test_until_the_guest_is_known_the_relays_name_is_shown(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    await party.world.hear_relay("created", reservationId=booked.key, dinerName="A. Lovelace")
    await party.world.take_in(party.row(booked))
    assert (await party.diner(booked))[0] == "A. Lovelace"
    await party.world.poll()
    assert (await party.diner(booked))[0] == "Ada Lovelace"


async def test_a_relays_name_never_replaces_the_guests_however_late_it_comes(
    party: Party,
) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    await party.hear(booked)
    party.world.clock.advance(3600)
    await party.world.hear_relay("updated", reservationId=booked.key, dinerName="Somebody")
    assert await party.diner(booked) == ADA


async def test_a_guest_without_a_name_leaves_the_envelopes(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key=party.guests.add().key)
    await party.world.hear_relay(
        "created", reservationId=booked.key, dinerName="A. Lovelace", dinerPhone="15550100"
    )
    await party.hear(booked)
    assert await party.diner(booked) == ("A. Lovelace", "15550100", None)


async def test_a_guest_that_opentable_does_not_have_is_asked_for_once(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key="65aa01bb02cc03dd04ee05ff")
    await party.hear(booked)
    for _ in range(3):
        party.world.clock.advance(900)
        party.world.desk.change_party_size(booked.key, 3)
        await party.hear(booked)
        await party.world.poll()
        await party.world.reconcile()
    assert (await party.diner(booked))[0] == "OpenTable Guest"
    assert party.asked("guest") == 1


async def test_copper_shows_the_placeholder_and_asks_for_nobody_twice(party: Party) -> None:
    party.world.sandbox.tokens.partners[0].tier = "copper"
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    await party.hear(booked)
    for _ in range(3):
        party.world.clock.advance(900)
        party.world.desk.change_party_size(booked.key, 3)
        await party.hear(booked)
        await party.world.poll()
    assert await party.diner(booked) == ("OpenTable Guest", None, None)
    assert party.asked("guest") == 1


async def test_a_guest_who_was_not_there_at_first_is_joined_when_the_feed_tells(
    party: Party,
) -> None:
    key = "65aa01bb02cc03dd04ee05ff"
    booked = party.world.desk.create(SOON, 2, guest_key=key)
    await party.hear(booked)
    guest = party.guests.add("Ada", "Lovelace")
    party.world.sandbox.store.add_guest(replace(guest, key=key))
    await party.world.poll()
    assert (await party.diner(booked))[0] == "Ada Lovelace"


async def test_a_merged_guest_leads_to_the_survivor_at_once(party: Party) -> None:
    loser, survivor = party.guests.add("A.", "L."), ada(party)
    party.guests.merge(loser.key, survivor)
    booked = party.world.desk.create(SOON, 2, guest_key=loser.key)
    await party.hear(booked)
    assert await party.diner(booked) == ADA
    assert (await party.held()).keys() == {loser.key.lower(), survivor.lower()}


def _unreadable(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes=7)  # type: ignore[arg-type] # what OpenTable should never send


FAILURES: list[tuple[FailureKind, dict[str, Any]]] = [
    (FailureKind.DELAY, {"seconds": 30.0}),
    (FailureKind.CLOSE, {}),
    (FailureKind.HTML, {}),
    (FailureKind.STATUS, {"status": 403}),
    (FailureKind.STATUS, {"status": 503}),
]


@pytest.mark.parametrize("kind, details", FAILURES)
async def test_an_opentable_that_fails_leaves_the_commit_and_the_next_poll_brings_the_guest(
    kind: FailureKind, details: dict[str, Any], party: Party
) -> None:
    environment = structs.replace(party.world.services.environment, guest_budget_seconds=0.2)
    services = structs.replace(party.world.services, environment=environment)
    hurried = Party(structs.replace(party.world, services=services))
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    party.world.sandbox.faults.script_failure(kind, times=50, **details)
    began = time.monotonic()
    assert isinstance(await hurried.hear(booked), ApplyResult)
    assert time.monotonic() - began < 2
    party.world.sandbox.faults.clear()
    await party.world.poll()
    assert await party.diner(booked) == ADA


async def test_a_guest_that_cannot_be_read_is_kept_aside_and_stops_nobody(party: Party) -> None:
    odd = party.world.desk.create(SOON, 2, guest_key=ada(party))
    plain = party.world.desk.create(SOON, 2)
    guests = party.world.sandbox.store
    await party.hear(odd)
    party.world.clock.advance(900)
    guests.update_guest(odd.rid, str(odd.guest_key), _unreadable)
    party.world.desk.change_party_size(plain.key, 5)
    assert (await party.world.poll())["status"] == "ok"
    assert (await party.diner(odd), len(await party.world.ledger())) == (ADA, 2)


async def test_a_fetched_guest_that_cannot_be_read_is_asked_for_once(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2, guest_key=ada(party))
    guests = party.world.sandbox.store
    guests.update_guest(booked.rid, str(booked.guest_key), _unreadable)
    await party.hear(booked)
    assert (await party.world.poll())["status"] == "ok"
    assert party.asked("guest") == 1
