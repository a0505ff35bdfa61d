"""Scheduled reconciliations compare the near days every hour and all days every night."""

from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import FieldFilter
from msgspec.structs import replace

from shared.firestore import paths
from tests.support.firestore import FirestoreSpy, FirestoreUsageMeter
from tests.support.held_plans import read_report
from tests.support.world import START_TIME, World

FAR = START_TIME + timedelta(days=20)
NEAR = START_TIME + timedelta(days=1)
HOUR = 3_600


@pytest.fixture(autouse=True)
async def _reconciled_reservations(world: World) -> None:
    """A near and a far reservation, polled and reconciled."""
    for start in (NEAR, FAR):
        world.actions.create(start, 2)
    await world.poll()
    await world.reconcile(is_scheduled=True)
    world.clock.advance(HOUR)
    await world.poll()


async def damage(world: World, start: Any) -> str:
    """Edit the stored reservation of a day by hand; return its external key."""
    at_start = FieldFilter("startAtTimestamp", "==", start)
    async for snapshot in world.reservations_collection.where(filter=at_start).stream():
        await snapshot.reference.update({"partySize": 9})
        return str(snapshot.get("source")["externalReservationId"])
    raise LookupError


async def reconcile_at_night(world: World) -> dict[str, Any]:
    world.clock.advance(16 * HOUR)
    await world.poll()
    return await world.reconcile(is_scheduled=True)


async def test_the_first_scheduled_run_compares_all_days(world: World) -> None:
    document = await world.read_settings_document()
    report = await read_report(world, document["reconciliation"]["lastFullReportId"])
    assert (report["startDate"], report["endDate"]) == ("2026-03-13", "2026-04-13")


async def test_an_hourly_run_corrects_the_near_days_and_names_them(world: World) -> None:
    await damage(world, NEAR)
    report = await world.reconcile(is_scheduled=True)
    assert (report["startDate"], report["endDate"]) == ("2026-03-13", "2026-03-16")
    assert [entry["changes"]["partySize"]["to"] for entry in report["updated"]] == [2]


async def test_a_difference_of_a_later_day_is_corrected_at_night(world: World) -> None:
    key = await damage(world, FAR)
    assert (await world.reconcile(is_scheduled=True))["updated"] == []
    report = await reconcile_at_night(world)
    assert [entry["externalId"] for entry in report["updated"]] == [key]


async def test_all_days_are_compared_while_polls_fail(world: World) -> None:
    await damage(world, FAR)
    world.clock.advance(2 * HOUR)
    assert len((await world.reconcile(is_scheduled=True))["updated"]) == 1


async def test_a_requested_run_compares_all_days(world: World) -> None:
    await damage(world, FAR)
    assert len((await world.reconcile())["updated"]) == 1


async def test_a_quiet_hourly_run_writes_its_report_and_its_state(world: World) -> None:
    await world.reconcile(is_scheduled=True)
    meter = FirestoreUsageMeter(world.context.firestore)
    world.clock.advance(HOUR)
    metered = replace(world, context=replace(world.context, firestore=meter.client))
    await metered.reconcile(is_scheduled=True)
    assert meter.take_counts()[1] == 2


async def test_an_hourly_run_stores_changed_counts_without_reading_the_others(world: World) -> None:
    await world.reconcile(is_scheduled=True)
    world.actions.create(NEAR, 4)
    world.clock.advance(900)
    await world.poll()
    spy = FirestoreSpy(world.context.firestore)
    spied = replace(world, context=replace(world.context, firestore=spy.client))
    await spied.reconcile(is_scheduled=True)
    assert not any("reservationAnalytics" in name for name in spy.read_names)
    day = (await world.analytics_collection.document("2026-03-15").get()).to_dict() or {}
    assert day["sources"]["OPENTABLE"]["covers"] == 6


async def test_counts_changed_by_hand_are_repaired_at_night(world: World) -> None:
    days = world.analytics_collection
    await days.document("2026-03-16").update({"sources.OPENTABLE.covers": 99})
    await reconcile_at_night(world)
    day = (await days.document("2026-03-16").get()).to_dict() or {}
    assert "covers" not in day["sources"]["OPENTABLE"]


async def test_an_hourly_run_keeps_the_findings_of_later_days(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    key = await damage(world, FAR)
    reference = paths.reservation_document(world.context.firestore, world.restaurant.id, key)
    await reference.update({"sync": "damaged"})
    await reconcile_at_night(world)
    world.clock.advance(HOUR)
    await world.poll()
    await world.reconcile(is_scheduled=True)
    capsys.readouterr()
    await reconcile_at_night(world)
    await reconcile_at_night(world)
    assert "reconciliation.divergence" not in capsys.readouterr().out
