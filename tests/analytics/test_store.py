"""Daily analytics counts: updated by reconciliation and backfill, written when they change."""

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from dev.local.demo_data import build_native_reservations
from sandbox.actions import VisitActions
from sandbox.background_bookings import populate_store
from shared.analytics import create_rollup_builder, read_analytics_days, store_days
from shared.concurrency import Deadline
from shared.context import RestaurantContext, connect_restaurant
from shared.domain.analytics import sum_counts
from shared.domain.days import DateWindow
from shared.polling.backfill import backfill_restaurant, start_backfill
from tests.support.firestore import FirestoreSpy
from tests.support.guests import GuestScenario, MarkedDiner, find_marked_fields
from tests.support.held_plans import (
    RESERVATION_COUNT,
    VISIT_TIME,
    execute_plan,
    hold_plan_with_updates,
)
from tests.support.world import NEW_YORK, START_TIME, World

SOON = START_TIME + timedelta(days=2)
THAT_DAY = "2026-03-16"
EMPTY_ROLLUP: dict[str, Any] = {"OPENTABLE": {}, "LINEUP": {}}


async def stored_rollups(world: World) -> dict[str, Any]:
    """Return the stored days' counts by date."""
    days = world.analytics_collection.stream()
    return {day.id: day.get("sources") async for day in days}


async def opentable_counts(world: World, day: str = THAT_DAY) -> dict[str, Any]:
    counts: dict[str, Any] = (await stored_rollups(world))[day]["OPENTABLE"]
    return counts


async def test_exactly_the_days_of_the_window_are_stored(world: World) -> None:
    await world.reconcile()
    stored = await stored_rollups(world)
    assert (min(stored), max(stored), len(stored)) == ("2026-03-13", "2026-04-13", 32)
    assert all(sources == EMPTY_ROLLUP for sources in stored.values())


async def test_a_reservation_created_by_the_run_is_counted(world: World) -> None:
    world.actions.create(SOON, 4)
    await world.reconcile()
    assert (await opentable_counts(world))["coversByHour"] == {"11": 4}


async def test_rollups_equal_a_count_of_opentable_reservations(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 300)
    await world.reconcile()
    expected: Counter[str] = Counter()
    for reservation in world.opentable_reservations().values():
        if reservation.state not in {"Cancelled", "NoShow"}:
            expected[reservation.scheduled_local[:10]] += reservation.party_size
    rollups = await stored_rollups(world)
    covers = {day: sources["OPENTABLE"].get("covers", 0) for day, sources in rollups.items()}
    assert covers == {day: expected[day] for day in rollups}
    assert sum(covers.values()) > 100


async def test_only_changed_days_are_written(world: World) -> None:
    booked = world.actions.create(SOON, 4)
    await world.reconcile()
    world.clock.advance(3_600)
    world.actions.change_party_size(booked.key, 6)
    await world.reconcile()
    days = world.analytics_collection.stream()
    now = world.clock()
    assert [day.id async for day in days if day.get("updatedAt") == now] == [THAT_DAY]
    assert (await opentable_counts(world))["covers"] == 6


async def test_a_correction_needs_no_further_query(
    world: World, firestore_spy: FirestoreSpy
) -> None:
    spied = replace(world, context=replace(world.context, firestore=firestore_spy.client))
    booked = spied.actions.create(SOON, 4)
    await spied.reconcile()
    firestore_spy.take_calls()
    await spied.reconcile()
    query_count = firestore_spy.take_calls().count("query")
    spied.actions.reschedule(booked.key, SOON + timedelta(days=1))
    assert len((await spied.reconcile())["updated"]) == 1
    assert firestore_spy.take_calls().count("query") == query_count


async def test_a_cancelled_reservation_counts_only_as_cancelled(world: World) -> None:
    booked = world.actions.create(SOON, 4)
    await world.reconcile()
    world.actions.cancel(booked.key)
    await world.reconcile()
    counts = await opentable_counts(world)
    assert (counts["bookings"], counts["cancelled"], "covers" in counts) == (1, 1, False)


async def test_a_moved_reservation_counts_once_on_its_new_day(world: World) -> None:
    booked = world.actions.create(SOON, 4)
    await world.reconcile()
    world.actions.reschedule(booked.key, SOON + timedelta(days=1))
    await world.reconcile()
    rollups = (await stored_rollups(world)).items()
    counted = {day: sources for day, sources in rollups if "covers" in sources["OPENTABLE"]}
    assert counted.keys() == {"2026-03-17"}
    assert counted["2026-03-17"]["OPENTABLE"]["covers"] == 4


async def test_a_reservation_moved_from_a_past_day_is_no_longer_counted_there(world: World) -> None:
    booked = world.actions.create(SOON, 4)
    await world.reconcile()
    world.clock.advance(timedelta(days=9).total_seconds())
    world.actions.reschedule(booked.key, START_TIME + timedelta(days=10))
    await world.reconcile()
    assert (await stored_rollups(world))[THAT_DAY] == EMPTY_ROLLUP
    assert (await opentable_counts(world, "2026-03-24"))["covers"] == 4


async def test_a_day_outside_the_window_has_its_last_rollup(world: World) -> None:
    world.actions.create(SOON, 4)
    await world.reconcile()
    world.clock.advance(timedelta(days=20).total_seconds())
    await world.reconcile()
    assert (await opentable_counts(world))["covers"] == 4


async def test_a_no_show_of_the_night_is_counted_on_the_next_day(world: World) -> None:
    booked = world.actions.create(START_TIME + timedelta(hours=9), 4)
    await world.reconcile()
    world.clock.advance(timedelta(days=1).total_seconds())
    VisitActions(world.sandbox.store, int(world.restaurant.rid)).mark_no_show(booked.key)
    await world.reconcile()
    assert (await opentable_counts(world, "2026-03-14"))["noShows"] == 1


async def test_a_walk_in_is_identified_by_its_origin(world: World) -> None:
    VisitActions(world.sandbox.store, int(world.restaurant.rid)).add_walk_in(3, START_TIME)
    await world.reconcile()
    counts = await opentable_counts(world, "2026-03-14")
    assert (counts["walkIns"], counts["covers"], "bookings" in counts) == (1, 3, False)


async def test_lineups_own_reservations_are_counted_as_such(world: World) -> None:
    native = build_native_reservations(world.restaurant.id, NEW_YORK, START_TIME)
    for document in native:
        await world.reservations_collection.document(document["id"]).set(document)
    await world.reconcile()
    today = (await stored_rollups(world))["2026-03-14"]
    assert (today["OPENTABLE"], today["LINEUP"]["bookings"]) == ({}, len(native))


async def test_a_window_of_past_days_is_counted(world: World) -> None:
    world.actions.create(START_TIME - timedelta(days=100), 4)
    await world.reconcile(start=date(2025, 12, 1), end=date(2025, 12, 10))
    stored = await stored_rollups(world)
    assert (min(stored), max(stored)) == ("2025-12-01", "2025-12-10")
    assert stored["2025-12-04"]["OPENTABLE"]["covers"] == 4


async def test_each_slice_of_a_backfill_is_counted(world: World) -> None:
    world.actions.create(START_TIME - timedelta(days=100), 4)
    days = date(2025, 11, 20), date(2025, 12, 31)
    await start_backfill(world.context, world.restaurant.id, *days)
    await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)
    stored = await stored_rollups(world)
    assert (min(stored), max(stored), len(stored)) == ("2025-11-20", "2025-12-31", 42)
    assert stored["2025-12-04"]["OPENTABLE"]["covers"] == 4


async def test_a_window_of_far_future_days_is_ignored(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.reconcile(start=date(2026, 6, 1), end=date(2026, 6, 2))
    assert await stored_rollups(world) == {}
    assert "analytics.delayed" not in capsys.readouterr().out


async def test_days_after_the_window_of_an_hourly_run_are_not_counted(world: World) -> None:
    await world.reconcile(start=date(2026, 4, 10), end=date(2026, 6, 1))
    assert max(await stored_rollups(world)) == "2026-04-13"


async def test_a_dry_run_writes_no_rollup(world: World) -> None:
    world.actions.create(SOON, 4)
    await world.reconcile(is_dry_run=True)
    assert await stored_rollups(world) == {}


async def test_a_failed_run_writes_no_rollup(world: World) -> None:
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await world.reconcile())["status"] == "FAILED"
    assert await stored_rollups(world) == {}


async def test_a_held_plan_is_counted_after_it_is_forced(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    day = VISIT_TIME.astimezone(NEW_YORK).date().isoformat()
    assert day not in await stored_rollups(world)
    await execute_plan(world, held)
    assert (await opentable_counts(world, day))["bookings"] == RESERVATION_COUNT


async def test_an_unavailable_store_fails_the_rollup_and_not_the_run(
    world: World, firestore_spy: FirestoreSpy, capsys: pytest.CaptureFixture[str]
) -> None:
    context = replace(world.context, firestore=firestore_spy.client)
    restaurant = await connect_restaurant(
        RestaurantContext(context, world.settings()), Deadline.after(30)
    )
    firestore_spy.failure = google.ServiceUnavailable
    window = DateWindow(date(2026, 3, 14), date(2026, 3, 15))
    await store_days(restaurant, create_rollup_builder(restaurant, window), set())
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["severity"]) == ("analytics.delayed", "WARNING")


async def test_rollups_contain_no_personal_data(world: World) -> None:
    diner = MarkedDiner(GuestScenario(world))
    await diner.create_everywhere()
    await world.reconcile()
    days = world.analytics_collection.stream()
    documents = {day.id: day.to_dict() or {} async for day in days}
    assert any(document["sources"]["OPENTABLE"] for document in documents.values())
    assert find_marked_fields(documents) == []
    text = json.dumps(documents, default=str)
    assert not [row.key for row in diner.reservations if row.key.lower() in text.lower()]


@pytest.mark.parametrize(
    "sources",
    [
        *(5, "x", True, None, [], {"a": 1}, {"OPENTABLE": 5}, {"OPENTABLE": {"bookings": "x"}}),
        {"OPENTABLE": {"byHour": {"18": True}}},
    ],
)
async def test_a_day_damaged_by_hand_counts_nothing_and_is_counted_again(
    world: World, sources: object
) -> None:
    world.actions.create(START_TIME, 2)
    await world.poll()
    day = {"localDate": "2026-03-14", "sources": sources}
    await world.analytics_collection.document("2026-03-14").set(day)
    assert await count_everything(world) == 0
    await world.reconcile()
    assert await count_everything(world) > 0


async def count_everything(world: World) -> int:
    """Return the sum of the first day's counts."""
    window = DateWindow(START_TIME.date(), START_TIME.date())
    days = await read_analytics_days(world.context.firestore, world.restaurant.id, window)
    return sum_counts(days["2026-03-14"].values()).total()
