"""A webhook's guest: joined where held, fetched within a budget where not, never in the way."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxGuest
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.ledger import ApplyResult
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


async def test_a_new_guest_is_fetched_after_the_commit(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    taken = await guest_scenario.ingest_and_fetch_guest(booked)
    assert taken.outcome == "created"
    assert await guest_scenario.shown_diner(booked) == ADA
    assert guest_scenario.count_requests("guest") == 1


async def test_a_returning_diner_costs_no_call(guest_scenario: GuestScenario) -> None:
    key = add_ada(guest_scenario)
    await guest_scenario.ingest_and_fetch_guest(
        guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=key)
    )
    before = guest_scenario.count_requests()
    again = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 4, guest_key=key)
    await guest_scenario.ingest_and_fetch_guest(again)
    assert (await guest_scenario.shown_diner(again), guest_scenario.count_requests()) == (
        ADA,
        before,
    )


async def test_a_reservation_without_a_guest_costs_no_call(guest_scenario: GuestScenario) -> None:
    await guest_scenario.ingest_and_fetch_guest(
        guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2)
    )
    assert guest_scenario.count_requests() == 0


async def test_the_relay_name_is_shown_before_the_guest_is_fetched(
    guest_scenario: GuestScenario,
) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    await guest_scenario.world.ingest_envelope(
        "created", reservationId=booked.key, dinerName="A. Lovelace"
    )
    await guest_scenario.world.ingest_row(guest_scenario.row(booked))
    assert (await guest_scenario.shown_diner(booked))[0] == "A. Lovelace"
    await guest_scenario.world.poll()
    assert (await guest_scenario.shown_diner(booked))[0] == "Ada Lovelace"


async def test_a_relays_name_never_replaces_the_guests_however_late_it_comes(
    guest_scenario: GuestScenario,
) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    await guest_scenario.ingest_and_fetch_guest(booked)
    guest_scenario.world.clock.advance(3600)
    await guest_scenario.world.ingest_envelope(
        "updated", reservationId=booked.key, dinerName="Somebody"
    )
    assert await guest_scenario.shown_diner(booked) == ADA


async def test_a_guest_without_a_name_leaves_the_envelopes(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=guest_scenario.guests.add().key
    )
    await guest_scenario.world.ingest_envelope(
        "created", reservationId=booked.key, dinerName="A. Lovelace", dinerPhone="15550100"
    )
    await guest_scenario.ingest_and_fetch_guest(booked)
    assert await guest_scenario.shown_diner(booked) == ("A. Lovelace", "15550100", None)


async def test_a_guest_missing_at_opentable_is_requested_once(
    guest_scenario: GuestScenario,
) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key="65aa01bb02cc03dd04ee05ff"
    )
    await guest_scenario.ingest_and_fetch_guest(booked)
    for _ in range(3):
        guest_scenario.world.clock.advance(900)
        guest_scenario.world.desk.change_party_size(booked.key, 3)
        await guest_scenario.ingest_and_fetch_guest(booked)
        await guest_scenario.world.poll()
        await guest_scenario.world.reconcile()
    assert (await guest_scenario.shown_diner(booked))[0] == "OpenTable Guest"
    assert guest_scenario.count_requests("guest") == 1


async def test_the_copper_tier_shows_the_placeholder_and_requests_no_guest_twice(
    guest_scenario: GuestScenario,
) -> None:
    guest_scenario.world.sandbox.tokens.partners[0].tier = "copper"
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    await guest_scenario.ingest_and_fetch_guest(booked)
    for _ in range(3):
        guest_scenario.world.clock.advance(900)
        guest_scenario.world.desk.change_party_size(booked.key, 3)
        await guest_scenario.ingest_and_fetch_guest(booked)
        await guest_scenario.world.poll()
    assert await guest_scenario.shown_diner(booked) == ("OpenTable Guest", None, None)
    assert guest_scenario.count_requests("guest") == 1


async def test_a_late_guest_is_linked_after_the_guest_poll(
    guest_scenario: GuestScenario,
) -> None:
    key = "65aa01bb02cc03dd04ee05ff"
    booked = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=key)
    await guest_scenario.ingest_and_fetch_guest(booked)
    guest = guest_scenario.guests.add("Ada", "Lovelace")
    guest_scenario.world.sandbox.store.add_guest(replace(guest, key=key))
    await guest_scenario.world.poll()
    assert (await guest_scenario.shown_diner(booked))[0] == "Ada Lovelace"


async def test_a_merged_guest_leads_to_the_survivor_at_once(guest_scenario: GuestScenario) -> None:
    loser, survivor = guest_scenario.guests.add("A.", "L."), add_ada(guest_scenario)
    guest_scenario.guests.merge(loser.key, survivor)
    booked = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=loser.key)
    await guest_scenario.ingest_and_fetch_guest(booked)
    assert await guest_scenario.shown_diner(booked) == ADA
    assert (await guest_scenario.stored_guests()).keys() == {loser.key.lower(), survivor.lower()}


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
    kind: FailureKind, details: dict[str, Any], guest_scenario: GuestScenario
) -> None:
    environment = structs.replace(
        guest_scenario.world.services.environment, guest_budget_seconds=0.2
    )
    services = structs.replace(guest_scenario.world.services, environment=environment)
    hurried = GuestScenario(structs.replace(guest_scenario.world, services=services))
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    guest_scenario.world.sandbox.faults.script_failure(kind, times=50, **details)
    began = time.monotonic()
    assert isinstance(await hurried.ingest_and_fetch_guest(booked), ApplyResult)
    assert time.monotonic() - began < 2
    guest_scenario.world.sandbox.faults.clear()
    await guest_scenario.world.poll()
    assert await guest_scenario.shown_diner(booked) == ADA


async def test_an_unreadable_guest_is_quarantined_and_blocks_nothing(
    guest_scenario: GuestScenario,
) -> None:
    odd = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario))
    plain = guest_scenario.world.desk.create(GUEST_VISIT_TIME, 2)
    guests = guest_scenario.world.sandbox.store
    await guest_scenario.ingest_and_fetch_guest(odd)
    guest_scenario.world.clock.advance(900)
    guests.update_guest(odd.rid, str(odd.guest_key), _unreadable)
    guest_scenario.world.desk.change_party_size(plain.key, 5)
    assert (await guest_scenario.world.poll())["status"] == "ok"
    assert (
        await guest_scenario.shown_diner(odd),
        len(await guest_scenario.world.ledger_documents()),
    ) == (ADA, 2)


async def test_an_unreadable_fetched_guest_is_requested_once(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=add_ada(guest_scenario)
    )
    guests = guest_scenario.world.sandbox.store
    guests.update_guest(booked.rid, str(booked.guest_key), _unreadable)
    await guest_scenario.ingest_and_fetch_guest(booked)
    assert (await guest_scenario.world.poll())["status"] == "ok"
    assert guest_scenario.count_requests("guest") == 1
