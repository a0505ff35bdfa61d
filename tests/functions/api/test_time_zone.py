"""A wrong time zone is refused before it is written, and a change that moves reservations asks."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.fault_injection import FailureKind
from tests.support.reservations import write_native_reservation
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import World

# 19:30 and 02:00 in New York, which is 16:30 and 23:00 on the day before in Los Angeles.
EVENING = datetime(2026, 3, 15, 23, 30, tzinfo=UTC)
NIGHT = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)


async def change_zone(client: StaffApiClient, zone: str, **more: Any) -> Any:
    return await client.put("integration", {"timeZone": zone, **more})


async def preview(client: StaffApiClient, zone: str) -> dict[str, Any]:
    response = await client.post("integration/time-zone-preview", {"timeZone": zone})
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
async def wrong_zone_ledger(world: World) -> World:
    """A ledger whose settings had a wrong zone when it was filled."""
    await world.change_settings(timeZone="America/Los_Angeles")
    for start in (EVENING, NIGHT):
        world.actions.create(start, 4)
    await world.poll()
    return world


async def read_ledger_and_settings(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    return await world.ledger_documents(), await world.read_settings_document()


async def test_a_zone_that_contradicts_opentables_rows_is_refused_before_it_is_written(
    manager: StaffApiClient, world: World
) -> None:
    world.actions.create(EVENING, 4)
    await world.poll()
    before = await world.read_settings_document()
    response = await change_zone(manager, "America/Los_Angeles")
    assert error_code(response) == (409, "TIME_ZONE_CONTRADICTED")
    assert response.json()["error"]["message"] == (
        "Nothing was changed. 1 of 1 reservations at OpenTable have local times that contradict "
        "the time zone America/Los_Angeles. Choose the zone of the restaurant."
    )
    assert await world.read_settings_document() == before


async def test_a_confirmation_does_not_accept_a_contradicted_zone(
    manager: StaffApiClient, world: World
) -> None:
    world.actions.create(EVENING, 4)
    response = await change_zone(manager, "America/Los_Angeles", confirmTimeZone=True)
    assert error_code(response) == (409, "TIME_ZONE_CONTRADICTED")


async def test_a_change_that_moves_reservations_asks_first(
    manager: StaffApiClient, wrong_zone_ledger: World
) -> None:
    before = await wrong_zone_ledger.read_settings_document()
    response = await change_zone(manager, "America/New_York")
    assert error_code(response) == (409, "TIME_ZONE_UNCONFIRMED")
    assert response.json()["error"]["message"] == (
        "With America/New_York, 1 reservation moves to another day. Nothing was changed. "
        "Confirm the change."
    )
    assert await wrong_zone_ledger.read_settings_document() == before


async def test_a_confirmed_change_is_written(
    manager: StaffApiClient, wrong_zone_ledger: World
) -> None:
    response = await change_zone(manager, "America/New_York", confirmTimeZone=True)
    assert (response.status_code, response.json()["timeZone"]) == (200, "America/New_York")
    assert "confirmTimeZone" not in await wrong_zone_ledger.read_settings_document()


async def test_the_preview_counts_and_writes_nothing(
    manager: StaffApiClient, wrong_zone_ledger: World
) -> None:
    await write_native_reservation(
        wrong_zone_ledger, startAtTimestamp=NIGHT, localDate="2026-03-15"
    )
    before = await read_ledger_and_settings(wrong_zone_ledger)
    assert await preview(manager, "America/New_York") == {
        "timeZone": "America/New_York",
        "checkedRows": 2,
        "contradictingRows": 0,
        "movedReservations": 1,
        "problem": None,
    }
    wrong = await preview(manager, "Europe/London")
    assert (wrong["contradictingRows"], wrong["movedReservations"]) == (2, 1)
    assert wrong["problem"].startswith("2 of 2 reservations at OpenTable")
    assert await read_ledger_and_settings(wrong_zone_ledger) == before


@pytest.mark.parametrize("setting", ["secret", "webhookAuth", "restaurantId"])
async def test_the_preview_needs_no_other_setting(
    manager: StaffApiClient, wrong_zone_ledger: World, setting: str
) -> None:
    await wrong_zone_ledger.integration_document.update({setting: 5})
    shown = await preview(manager, "America/New_York")
    assert (shown["checkedRows"], shown["movedReservations"]) == (None, 1)


async def test_an_unchanged_zone_asks_nobody(manager: StaffApiClient, world: World) -> None:
    count = world.sandbox.request_counts.total()
    assert (await change_zone(manager, "America/New_York")).status_code == 200
    assert world.sandbox.request_counts.total() == count


async def test_without_an_answer_of_opentable_the_count_decides(
    manager: StaffApiClient, wrong_zone_ledger: World
) -> None:
    wrong_zone_ledger.sandbox.faults.script_failure(FailureKind.STATUS, status=403, times=50)
    body = await preview(manager, "America/New_York")
    assert (body["checkedRows"], body["movedReservations"]) == (None, 1)
    response = await change_zone(manager, "America/New_York")
    assert error_code(response) == (409, "TIME_ZONE_UNCONFIRMED")


@pytest.mark.usefixtures("wrong_zone_ledger")
async def test_the_connection_test_reports_a_wrong_zone(manager: StaffApiClient) -> None:
    body = (await manager.post("integration/test")).json()
    assert (body["works"], body["rows"]) == (False, 2)
    assert body["problem"].startswith("2 of 2 reservations at OpenTable have local times")
