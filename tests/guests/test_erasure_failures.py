"""Erasing beside writers that are under way, and when the store fails half-way."""

import json
from collections.abc import AsyncIterator

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from sandbox.models import SandboxReservation
from shared.errors import ServiceUnavailableError
from shared.firestore.raw_client import FirestoreClient
from shared.guests.erasure import erase_guest
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.guests import (
    GUEST_VISIT_TIME,
    GuestScenario,
    find_marked_fields,
    quarantine_text,
)
from tests.support.world import World, make_world


@pytest.fixture
async def guest_scenario(firestore: FirestoreClient) -> AsyncIterator[GuestScenario]:
    world = await make_world(firestore)
    yield GuestScenario(world)
    world.executor.shutdown()


@pytest.fixture
async def reservation(guest_scenario: GuestScenario) -> SandboxReservation:
    key = guest_scenario.guests.add("Zoë", "Marked", "marked@example.com").key
    booked = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 2, guest_key=key, request="marked wish"
    )
    await guest_scenario.ingest_and_fetch_guest(booked)
    return booked


def another_instance(world: World, wire: FirestoreSpy) -> World:
    return replace(world, services=replace(world.services, firestore=wire.client))


async def forget_guest(party: GuestScenario, booked: SandboxReservation) -> None:
    party.world.clock.advance(900)
    party.guests.forget(str(booked.guest_key))
    assert (await party.world.poll())["status"] == "ok"


async def find_marks(party: GuestScenario) -> list[str]:
    return find_marked_fields(await party.all_documents())


async def test_a_write_that_conflicts_with_an_erasure_is_decided_again(
    guest_scenario: GuestScenario, reservation: SandboxReservation, firestore_spy: FirestoreSpy
) -> None:
    row = guest_scenario.row(guest_scenario.world.desk.set_notes(reservation.key, "marked note"))

    async def erased_meanwhile() -> None:
        await forget_guest(guest_scenario, reservation)

    firestore_spy.before_commit.append(erased_meanwhile)
    await another_instance(guest_scenario.world, firestore_spy).ingest_row(row)
    assert await find_marks(guest_scenario) == []


async def test_data_left_by_a_concurrent_write_is_erased_by_the_next_reconciliation(
    guest_scenario: GuestScenario, reservation: SandboxReservation, firestore_spy: FirestoreSpy
) -> None:
    old = guest_scenario.row(
        reservation, guest_request="marked long ago", state=None, sequence_id=0
    )

    async def erased_meanwhile() -> None:
        await forget_guest(guest_scenario, reservation)

    firestore_spy.before_commit.append(erased_meanwhile)
    # It is older than all that is held: it writes an entry alone, which no document guards.
    await another_instance(guest_scenario.world, firestore_spy).ingest_row(old)
    assert await find_marks(guest_scenario) != []
    await guest_scenario.world.reconcile()
    assert await find_marks(guest_scenario) == []


async def test_a_reservation_created_while_its_guest_is_erased_is_erased_by_reconciliation(
    guest_scenario: GuestScenario, reservation: SandboxReservation, firestore_spy: FirestoreSpy
) -> None:
    key = str(reservation.guest_key)
    second = guest_scenario.world.desk.create(
        GUEST_VISIT_TIME, 4, guest_key=key, request="marked too"
    )
    row = guest_scenario.row(second)

    async def erased_meanwhile() -> None:
        await forget_guest(guest_scenario, reservation)

    firestore_spy.before_commit.append(erased_meanwhile)
    await another_instance(guest_scenario.world, firestore_spy).ingest_row(row)
    await guest_scenario.world.reconcile()
    assert await find_marks(guest_scenario) == []


async def _go_on() -> None:
    """Let a commit pass."""


@pytest.mark.parametrize("passing", [2, 3, 4, 5])
async def test_an_erasure_that_failed_half_way_is_finished_by_the_next_poll(
    guest_scenario: GuestScenario,
    reservation: SandboxReservation,
    firestore_spy: FirestoreSpy,
    passing: int,
) -> None:
    body = {"data": {"email": "marked@example.com", "partySize": 0}}
    await quarantine_text(guest_scenario.world, json.dumps(body))
    guest_scenario.world.clock.advance(900)
    guest_scenario.guests.forget(str(reservation.guest_key))
    firestore_spy.before_commit.extend([*[_go_on] * passing, fail_with(google.PermissionDenied)])
    assert (await another_instance(guest_scenario.world, firestore_spy).poll())["status"] == "error"
    assert (
        "forgottenAt" in (await guest_scenario.stored_guests())[str(reservation.guest_key).lower()]
    )
    guest_scenario.world.clock.advance(900)
    assert (await guest_scenario.world.poll())["status"] == "ok"
    assert await find_marks(guest_scenario) == []


async def test_an_unavailable_firestore_is_reported(
    guest_scenario: GuestScenario, reservation: SandboxReservation, firestore_spy: FirestoreSpy
) -> None:
    other = another_instance(guest_scenario.world, firestore_spy)
    firestore_spy.failure = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await erase_guest(other.services, other.settings(), str(reservation.guest_key).lower())
