"""Erasures with concurrent writers and failed commits, and their repetition."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from sandbox.models import SandboxReservation
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.guests.erasure import erase_guest, repeat_erasures
from tests.guests.conftest import stored_reservation
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.guests import GuestScenario, find_marked_fields, quarantine_text
from tests.support.world import World

IngestRow = Callable[[dict[str, Any]], Awaitable[None]]


@pytest.fixture
async def reservation(scenario: GuestScenario) -> SandboxReservation:
    """Create a reservation of a guest whose every personal text has a mark."""
    key = scenario.guests.add("Zoë", "Marked", "marked@example.com").key
    booked = scenario.book(key, request="marked wish")
    await scenario.ingest_and_fetch_guest(booked)
    return booked


@pytest.fixture
def other_server(scenario: GuestScenario, firestore_spy: FirestoreSpy) -> World:
    """The same restaurant through the spied Firestore client."""
    context = replace(scenario.world.context, firestore=firestore_spy.client)
    return replace(scenario.world, context=context)


async def forget_guest(scenario: GuestScenario, booked: SandboxReservation) -> None:
    scenario.guests.forget(str(booked.guest_key))
    await scenario.poll()


@pytest.fixture
def ingest_during_erasure(
    scenario: GuestScenario,
    reservation: SandboxReservation,
    firestore_spy: FirestoreSpy,
    other_server: World,
) -> IngestRow:
    """Ingest a row; its guest is forgotten between the read and the commit."""

    async def ingest(row: dict[str, Any]) -> None:
        firestore_spy.before_commit.append(lambda: forget_guest(scenario, reservation))
        await other_server.ingest_row(row)

    return ingest


async def find_marks(scenario: GuestScenario) -> list[str]:
    return find_marked_fields(await scenario.all_documents())


async def test_a_write_that_conflicts_with_an_erasure_is_decided_again(
    scenario: GuestScenario, reservation: SandboxReservation, ingest_during_erasure: IngestRow
) -> None:
    row = scenario.row(scenario.world.actions.set_notes(reservation.key, "marked note"))
    await ingest_during_erasure(row)
    assert await find_marks(scenario) == []


async def test_data_left_by_a_concurrent_write_is_erased_by_the_next_reconciliation(
    scenario: GuestScenario, reservation: SandboxReservation, ingest_during_erasure: IngestRow
) -> None:
    old = scenario.row(reservation, guest_request="marked long ago", state=None, sequence_id=0)
    # An old version only writes a journal entry: no precondition on the document fails.
    await ingest_during_erasure(old)
    assert await find_marks(scenario) != []
    await scenario.world.reconcile()
    assert await find_marks(scenario) == []


async def test_a_reservation_created_while_its_guest_is_erased_is_erased_by_reconciliation(
    scenario: GuestScenario, reservation: SandboxReservation, ingest_during_erasure: IngestRow
) -> None:
    row = scenario.row(scenario.book(reservation.guest_key, request="marked too"))
    await ingest_during_erasure(row)
    await scenario.world.reconcile()
    assert await find_marks(scenario) == []


async def let_commit_pass() -> None:
    """Do nothing before a commit."""


@pytest.mark.parametrize("passing_commits", [2, 3, 4, 5])
async def test_an_erasure_that_failed_half_way_is_finished_by_the_next_poll(
    scenario: GuestScenario,
    reservation: SandboxReservation,
    firestore_spy: FirestoreSpy,
    other_server: World,
    passing_commits: int,
) -> None:
    body = {"data": {"email": "marked@example.com", "partySize": 0}}
    await quarantine_text(scenario.world, json.dumps(body))
    scenario.world.clock.advance(900)
    scenario.guests.forget(str(reservation.guest_key))
    firestore_spy.before_commit.extend([let_commit_pass] * passing_commits)
    # Twice: after the first failure, the events of a group are applied one by one.
    firestore_spy.before_commit.extend([fail_with(google.PermissionDenied)] * 2)
    assert (await other_server.poll())["status"] == "error"
    firestore_spy.before_commit.clear()
    assert "forgottenAt" in (await scenario.stored_guests())[str(reservation.guest_key).lower()]
    await scenario.poll()
    assert await find_marks(scenario) == []


async def leave_personal_text(scenario: GuestScenario, booked: SandboxReservation) -> None:
    """Leave a forgotten guest's text in a journal, as a concurrent writer may do."""
    await forget_guest(scenario, booked)
    journal = paths.journal_collection(stored_reservation(scenario.world, booked))
    entry = journal.document(min(await scenario.journal(booked)))
    await entry.update({"payload": '{"guest_request": "marked"}'})


@pytest.mark.parametrize("hours, is_repeated", [(1, True), (47, True), (49, False)])
async def test_an_erasure_is_repeated_for_two_days(
    scenario: GuestScenario, reservation: SandboxReservation, hours: int, *, is_repeated: bool
) -> None:
    await leave_personal_text(scenario, reservation)
    scenario.world.clock.advance(timedelta(hours=hours).total_seconds())
    await repeat_erasures(scenario.world.restaurant_context())
    assert (await find_marks(scenario) == []) is is_repeated


async def test_a_dry_run_erases_nothing(
    scenario: GuestScenario, reservation: SandboxReservation
) -> None:
    await leave_personal_text(scenario, reservation)
    await scenario.world.reconcile(is_dry_run=True)
    assert await find_marks(scenario) != []


async def test_an_unavailable_firestore_is_reported(
    reservation: SandboxReservation, firestore_spy: FirestoreSpy, other_server: World
) -> None:
    restaurant = other_server.restaurant_context()
    firestore_spy.failure = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await erase_guest(restaurant, str(reservation.guest_key).lower())
    with pytest.raises(ServiceUnavailableError):
        await repeat_erasures(restaurant)
