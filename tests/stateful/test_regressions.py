"""Failures found by the state machine, each as its shortest history."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxReservation
from shared.firestore.raw_client import FirestoreClient
from tests.stateful.assertions import assert_recovers
from tests.stateful.faults import NO_FAULT
from tests.stateful.restaurant import MachineRestaurant, open_machine_restaurant
from tests.stateful.workers import run_concurrently
from tests.support.world import START_TIME


@pytest.fixture
async def machine(firestore: FirestoreClient) -> AsyncIterator[MachineRestaurant]:
    opened = await open_machine_restaurant(firestore)
    yield opened
    for worker in opened.workers:
        worker.executor.shutdown()


def _booked_by_a_guest(restaurant: MachineRestaurant) -> str:
    """Book a reservation for tomorrow; return the guest's key."""
    guest = restaurant.guest_actions.add("Ada", "Example").key
    restaurant.reservation_actions.create(START_TIME + timedelta(days=1), 2, guest_key=guest)
    return guest


async def test_a_guest_renamed_between_a_webhook_and_the_first_poll_has_the_new_name(
    machine: MachineRestaurant,
) -> None:
    guest = _booked_by_a_guest(machine)
    await run_concurrently((machine.workers[0], machine.sent[0], NO_FAULT))
    machine.guest_actions.rename(guest, "Grace", "Example")
    await assert_recovers(machine)


async def test_a_guest_renamed_after_a_first_poll_that_failed_has_the_new_name(
    machine: MachineRestaurant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.sync_api.MAX_PAGE_LIMIT", 4)
    guest = _booked_by_a_guest(machine)
    for days in range(2, 6):
        machine.reservation_actions.create(START_TIME + timedelta(days=days), 2)
    faults, answered = machine.world.sandbox.faults, itertools.count(1)

    def end_after_two(_: object) -> None:
        if next(answered) == 2:  # one page of guests, one of reservations
            faults.script_failure(FailureKind.STATUS, status=404)

    faults.on_page = end_after_two
    (failed,) = await run_concurrently((machine.workers[0], "poll", NO_FAULT))
    assert (failed["status"], failed["created"]) == ("error", 4)
    faults.clear()
    machine.guest_actions.rename(guest, "Grace", "Example")
    await assert_recovers(machine)


async def test_an_old_visit_whose_guest_could_not_be_fetched_shows_it_after_the_first_poll(
    machine: MachineRestaurant,
) -> None:
    guest = machine.guest_actions.add("Ada", "Example").key
    machine.reservation_actions.create(START_TIME - timedelta(days=5), 2, guest_key=guest)
    machine.world.sandbox.faults.script_failure(
        FailureKind.STATUS, status=403, path="/sync/v2/guests/"
    )
    await run_concurrently((machine.workers[0], machine.sent[0], NO_FAULT))
    machine.reservation_actions.create(START_TIME + timedelta(days=1), 2, guest_key=guest)
    machine.world.sandbox.faults.clear()
    await assert_recovers(machine)


async def test_an_uppercase_id_known_only_from_a_relay_is_found_at_opentable(
    machine: MachineRestaurant,
) -> None:
    now = machine.world.sandbox.store.now()
    visit = SandboxReservation(
        rid=machine.rid,
        key="259F4329-E6F4-490B-9A16-4106CF6A659E",
        scheduled=START_TIME - timedelta(days=5),  # the first poll must not list it
        party_size=2,
        created=now,
        updated=now,
    )
    machine.reservation_actions.cancel(machine.world.sandbox.store.add_reservation(visit).key)
    await run_concurrently((machine.workers[0], machine.sent[-1], NO_FAULT))
    await assert_recovers(machine)
