"""What the machine found once, each as the shortest story that shows it."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient

from dev.sandbox.faults import FailureKind
from dev.sandbox.records import SandboxReservation
from tests.machine.levelling import assert_levels
from tests.machine.mortal import UNHARMED
from tests.machine.town import Town, open_town
from tests.machine.workers import run_at_once
from tests.world import BEGINNING


@pytest.fixture
async def town(firestore: AsyncClient) -> AsyncIterator[Town]:
    opened = await open_town(firestore)
    yield opened
    for worker in opened.workers:
        worker.executor.shutdown()


def _booked_by_a_guest(town: Town) -> str:
    """Book for tomorrow; return the guest's key."""
    guest = town.guests.add("Ada", "Example").key
    town.desk.create(BEGINNING + timedelta(days=1), 2, guest_key=guest)
    return guest


async def test_a_guest_renamed_between_a_webhook_and_the_first_poll_has_the_new_name(
    town: Town,
) -> None:
    guest = _booked_by_a_guest(town)
    await run_at_once((town.workers[0], town.sent[0], UNHARMED))
    town.guests.rename(guest, "Grace", "Example")
    await assert_levels(town)


async def test_a_guest_renamed_after_a_first_poll_that_failed_has_the_new_name(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.sandbox.query.MAX_PAGE_LIMIT", 4)
    guest = _booked_by_a_guest(town)
    for days in range(2, 6):
        town.desk.create(BEGINNING + timedelta(days=days), 2)
    faults, answered = town.world.sandbox.faults, itertools.count(1)

    def end_after_two(_: object) -> None:
        if next(answered) == 2:  # one page of guests, one of reservations
            faults.script_failure(FailureKind.STATUS, status=404)

    faults.on_page = end_after_two
    (failed,) = await run_at_once((town.workers[0], "poll", UNHARMED))
    assert (failed["status"], failed["created"]) == ("error", 4)
    faults.clear()
    town.guests.rename(guest, "Grace", "Example")
    await assert_levels(town)


async def test_an_old_visit_whose_guest_could_not_be_fetched_shows_it_after_the_first_poll(
    town: Town,
) -> None:
    guest = town.guests.add("Ada", "Example").key
    town.desk.create(BEGINNING - timedelta(days=5), 2, guest_key=guest)
    town.world.sandbox.faults.script_failure(
        FailureKind.STATUS, status=403, path="/sync/v2/guests/"
    )
    await run_at_once((town.workers[0], town.sent[0], UNHARMED))
    town.desk.create(BEGINNING + timedelta(days=1), 2, guest_key=guest)
    town.world.sandbox.faults.clear()
    await assert_levels(town)


async def test_an_id_in_capitals_that_only_a_relay_told_is_found_at_opentable(town: Town) -> None:
    now = town.world.sandbox.store.now()
    visit = SandboxReservation(
        rid=town.rid,
        key="259F4329-E6F4-490B-9A16-4106CF6A659E",
        scheduled=BEGINNING - timedelta(days=5),  # so that the first poll does not list it
        party_size=2,
        created=now,
        updated=now,
    )
    town.desk.cancel(town.world.sandbox.store.add_reservation(visit).key)
    await run_at_once((town.workers[0], town.sent[-1], UNHARMED))
    await assert_levels(town)
