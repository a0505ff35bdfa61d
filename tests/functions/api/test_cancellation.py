"""Cancel native reservations; OpenTable's cannot be cancelled here."""

import asyncio

import pytest

from shared.firestore import paths
from tests.support.reservations import apply_envelope, write_native_reservation
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import World

PATH = "reservations/own-1/cancel"
KEY = {"Idempotency-Key": "once"}


async def test_an_opentable_reservation_is_cancelled_at_opentable_alone(
    host: StaffApiClient, world: World
) -> None:
    await apply_envelope(world)
    response = await host.post("reservations/opentable-ot_1/cancel")
    assert error_code(response) == (409, "OPENTABLE_CANCELLATION")
    text = "OpenTable reservations must be cancelled through OpenTable."
    assert response.json()["error"]["message"] == text


async def test_an_own_reservation_is_cancelled(host: StaffApiClient, world: World) -> None:
    reservation = await write_native_reservation(world)
    response = await host.post(PATH, {"reason": "Ill"})
    assert response.json() == {"id": "own-1", "status": "CANCELLED", "outcome": "updated"}
    assert (await reservation.get()).get("status") == "CANCELLED"


async def test_all_else_that_an_own_reservation_shows_survives(
    host: StaffApiClient, world: World
) -> None:
    reservation = await write_native_reservation(world)
    before = (await reservation.get()).to_dict() or {}
    await host.post(PATH, {"reason": "Ill"})
    after = (await reservation.get()).to_dict() or {}
    for name in ("status", "statusHistory", "updatedAt", "sync"):
        before[name] = after[name]
    before["metadata"]["cancellationReason"] = "Ill"
    assert after == before


async def test_the_history_of_statuses_grows_by_one(host: StaffApiClient, world: World) -> None:
    reservation = await write_native_reservation(world)
    await host.post(PATH)
    first, added = (await reservation.get()).get("statusHistory")
    assert first == {"status": "CONFIRMED", "by": "app"}
    assert (added["status"], added["source"]) == ("CANCELLED", "LINEUP")


async def test_a_cancellation_is_journaled_with_the_staff_channel(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    await host.post(PATH, {"reason": "Ill"})
    [event] = (await host.get("reservations/own-1/events")).json()["events"]
    assert event["source"] == "STAFF"
    assert event["actor"] == "LINEUP"
    assert event["eventType"] == "staff.cancelled"
    assert event["changes"] == {
        "status": {"from": "CONFIRMED", "to": "CANCELLED"},
        "metadata.cancellationReason": {"from": None, "to": "Ill"},
    }


async def test_cancelling_again_changes_nothing(host: StaffApiClient, world: World) -> None:
    reservation = await write_native_reservation(world)
    await host.post(PATH)
    update_time = (await reservation.get()).update_time
    assert (await host.post(PATH)).json()["outcome"] == "unchanged"
    assert (await reservation.get()).update_time == update_time


async def test_one_request_sent_twice_at_once_is_one_event(
    host: StaffApiClient, world: World
) -> None:
    reservation = await write_native_reservation(world)
    responses = await asyncio.gather(*(host.post(PATH, headers=KEY) for _ in range(4)))
    assert {response.status_code for response in responses} == {200}
    assert len([entry async for entry in paths.journal_collection(reservation).stream()]) == 1


async def test_a_reservation_revived_elsewhere_can_be_cancelled_anew(
    host: StaffApiClient, world: World
) -> None:
    reservation = await write_native_reservation(world)
    await host.post(PATH)
    await reservation.update({"status": "CONFIRMED"})
    world.clock.advance(60)
    assert (await host.post(PATH)).json()["outcome"] == "updated"
    assert (await reservation.get()).get("status") == "CANCELLED"


async def test_a_key_used_for_another_reason_is_refused(host: StaffApiClient, world: World) -> None:
    reservation = await write_native_reservation(world)
    await host.post(PATH, {"reason": "Ill"}, headers=KEY)
    await reservation.update({"status": "CONFIRMED"})
    response = await host.post(PATH, {"reason": "Late"}, headers=KEY)
    assert error_code(response) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("status", ["COMPLETED", "NO_SHOW"])
async def test_what_is_over_cannot_be_cancelled(
    status: str, host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world, status=status)
    assert error_code(await host.post(PATH)) == (409, "NOT_CANCELLABLE")


async def test_an_unknown_reservation_is_not_found_and_not_made(
    host: StaffApiClient, world: World
) -> None:
    assert error_code(await host.post(PATH)) == (404, "NOT_FOUND")
    assert not (await world.reservations_collection.document("own-1").get()).exists
