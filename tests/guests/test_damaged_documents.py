"""A guest record damaged by hand stops nothing; OpenTable's record replaces it."""

from typing import Any

import pytest

from shared.firestore import paths
from tests.support.guests import GuestScenario

DAMAGED_RECORDS: list[dict[str, Any]] = [
    {},
    {"guestKey": 5},
    {"guestKey": "g", "version": "x"},
    {"guestKey": "g", "version": {"at": "yesterday"}},
    {"guestKey": "g", "version": None, "firstName": "Eve"},
    {"guestKey": "g", "survivor": 5},
]


async def damage_record(scenario: GuestScenario, key: str, document: dict[str, Any]) -> None:
    """Replace a guest's record."""
    guests = paths.guests_collection(
        scenario.world.services.firestore, scenario.world.restaurant.id
    )
    await guests.document(key).set(document)


@pytest.mark.parametrize("document", DAMAGED_RECORDS)
async def test_a_damaged_record_is_replaced_and_stops_nothing(
    scenario: GuestScenario, ada: str, document: dict[str, Any]
) -> None:
    await damage_record(scenario, ada, document)
    booked = scenario.book(ada)
    assert (await scenario.world.poll())["status"] == "ok"
    assert (await scenario.world.reconcile())["status"] == "COMPLETED"
    assert (await scenario.shown_diner(booked))[0] == "Ada Lovelace"


@pytest.mark.parametrize("field, value", [("firstName", 5), ("phones", 5), ("phones", [5])])
async def test_a_damaged_profile_is_replaced(
    scenario: GuestScenario, ada: str, field: str, value: object
) -> None:
    scenario.book(ada)
    await scenario.world.poll()
    await damage_record(scenario, ada, (await scenario.stored_guests())[ada] | {field: value})
    second = scenario.book(ada)
    scenario.world.clock.advance(900)
    assert (await scenario.world.poll())["status"] == "ok"
    assert (await scenario.world.reconcile())["status"] == "COMPLETED"
    assert (await scenario.shown_diner(second))[0] == "Ada Lovelace"


@pytest.mark.parametrize("value", [None, 5, "x", True])
async def test_a_damaged_tombstone_still_hides_the_person(
    scenario: GuestScenario, ada: str, value: object
) -> None:
    await damage_record(scenario, ada, {"guestKey": ada, "forgottenAt": value})
    booked = scenario.book(ada)
    assert (await scenario.world.poll())["status"] == "ok"
    assert (await scenario.shown_diner(booked))[0] == "OpenTable Guest"


async def test_an_erasure_goes_on_after_a_damaged_reservation(
    scenario: GuestScenario, ada: str
) -> None:
    first, second = scenario.book(ada), scenario.book(ada)
    await scenario.world.poll()
    reservation = paths.reservation_document(
        scenario.world.services.firestore, scenario.world.restaurant.id, first.key.lower()
    )
    await reservation.update({"sync.opentable": "x"})
    scenario.guests.forget(ada)
    scenario.world.clock.advance(900)
    assert (await scenario.world.poll())["status"] == "ok"
    assert (await scenario.world.reconcile())["status"] == "COMPLETED"
    assert await scenario.shown_diner(second) == ("OpenTable Guest", None, None)
