import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.actions import GuestActions
from sandbox.fault_injection import FailureKind
from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.concurrency import Clock, Deadline
from shared.domain.backfill import Backfill
from shared.errors import InvalidSettingsError
from shared.polling.backfill import (
    backfill_restaurant,
    read_backfill,
    run_backfill_steps,
    start_backfill,
)
from tests.support.backfills import (
    begin_test_backfill,
    book_range,
    read_state,
    run_slices,
    run_with_short_deadline,
)
from tests.support.clocks import FakeTimer
from tests.support.world import NEW_YORK, START_TIME, World, differing_keys


async def begin_booked_backfill(world: World, seconds_later: int = 0) -> list[str]:
    """Book a reservation on each day, and begin the backfill some time later; return the keys."""
    keys = book_range(world)
    world.clock.advance(seconds_later)
    await begin_test_backfill(world)
    return keys


def steps_of(world: World, deadline: Deadline | None = None) -> AsyncGenerator[Backfill, None]:
    """Continue the backfill; by default with a minute of time."""
    return run_backfill_steps(world.context, world.restaurant.id, deadline or Deadline.after(60))


def find_reservation(world: World, key: str) -> str:
    """Return OpenTable's id of a reservation, by its key in the ledger."""
    reservations = world.opentable_reservations().values()
    return next(str(row.key) for row in reservations if row.key.lower() == key)


async def test_a_backfill_imports_only_the_requested_days(world: World) -> None:
    keys = book_range(world)
    for days in (-11, 18):
        world.actions.create(START_TIME + timedelta(days=days), 2)
    await begin_test_backfill(world)
    last = (await run_slices(world))[-1]
    # The closing listing brings all recent changes: here every reservation.
    assert (last.status, last.counts["created"]) == ("COMPLETED", 29)
    assert set(keys) <= (await world.ledger_documents()).keys()


async def test_reservations_are_imported_with_their_guests(world: World) -> None:
    await begin_booked_backfill(world)
    await run_slices(world)
    names = {document["dinerName"] for document in (await world.ledger_documents()).values()}
    assert names == {"OpenTable Guest"} | {f"Guest {day} Example" for day in range(-9, 17, 2)}


async def test_a_guest_added_during_the_backfill_is_fetched(world: World) -> None:
    await begin_test_backfill(world)

    def book_with_a_new_guest(_: object) -> None:
        world.sandbox.faults.on_page = None  # once, after the page of guests
        guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
        world.actions.create(START_TIME, 2, guest_key=guests.add("Ada", "Example").key)

    world.sandbox.faults.on_page = book_with_a_new_guest
    await run_slices(world)
    assert [one["dinerName"] for one in (await world.ledger_documents()).values()] == [
        "Ada Example"
    ]


async def test_old_reservations_are_imported_by_their_slice(world: World) -> None:
    keys = await begin_booked_backfill(world, 86_400)
    *slices, closing = await run_slices(world)
    assert [step.completed_days for step in slices] == [7, 14, 21, 28]
    assert slices[-1].counts["created"] == len(keys)
    assert closing.counts["fetched"] == len(keys)


async def test_progress_is_stored_after_each_slice(world: World) -> None:
    await begin_booked_backfill(world)
    [first] = await run_slices(world, slices=1)
    assert (await read_state(world), first.completed_days) == (first, 7)


async def test_concurrent_webhooks_are_never_undone(world: World) -> None:
    keys = await begin_booked_backfill(world, 86_400)
    tomorrow = keys[11]
    async for step in steps_of(world):
        if step.completed_days == 7:
            changed = world.actions.change_party_size(find_reservation(world, tomorrow), 7)
            await world.ingest_row(
                build_webhook_row(changed, RenderContext("gold", NEW_YORK, "https://x"))
            )
    assert (await world.ledger_documents())[tomorrow]["partySize"] == 7
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_reservation_moved_into_a_completed_slice_is_imported_at_the_end(
    world: World,
) -> None:
    keys = await begin_booked_backfill(world, 86_400)
    async for step in steps_of(world):
        world.clock.advance(60)
        if step.completed_days == 14:
            last = find_reservation(world, keys[-1])
            world.actions.reschedule(last, START_TIME - timedelta(days=9))
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_backfill_of_stored_reservations_changes_nothing(world: World) -> None:
    keys = await begin_booked_backfill(world)
    await run_slices(world)
    before = await world.all_documents()
    await begin_test_backfill(world)
    last = (await run_slices(world))[-1]
    after = await world.all_documents()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"restaurants/{world.restaurant.id}/integrations/opentable"}
    assert last.counts["unchanged"] == last.counts["fetched"] >= len(keys)


async def test_a_concurrent_poll_and_reconciliation_do_not_affect_a_backfill(world: World) -> None:
    await begin_booked_backfill(world)
    [before] = await run_slices(world, slices=1)
    assert (await world.poll())["backfill"] == "RUNNING"
    assert (await world.reconcile())["status"] == "COMPLETED"
    assert await read_state(world) == before
    assert (await run_slices(world))[-1].status == "COMPLETED"


async def test_a_backfill_counts_no_missed_webhooks_and_no_silence(world: World) -> None:
    await world.poll()
    await begin_booked_backfill(world, 3_600)
    await run_slices(world)
    result = await world.poll()
    poll = (await world.read_settings_document())["poll"]
    assert (result["created"], poll["missedWebhooks"], poll.get("missedRuns")) == (0, 0, None)
    assert (await world.reconcile())["missedWebhooks"] == 0


async def test_a_run_that_ends_between_slices_is_resumed_at_the_next(world: World) -> None:
    keys = await begin_booked_backfill(world, 86_400)
    await run_slices(world, slices=2)
    rest = await run_slices(world)
    assert [step.completed_days for step in rest] == [21, 28, 28]
    assert (rest[-1].counts["fetched"], rest[-1].counts["created"]) == (len(keys), len(keys))


async def test_a_run_killed_within_a_slice_repeats_only_that_slice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.sync_api.MAX_PAGE_LIMIT", 4)
    keys = await begin_booked_backfill(world, 86_400)
    pages = list[object]()
    world.sandbox.faults.on_page = pages.append
    await run_slices(world, slices=1)
    remaining_pages = len(pages) - 1  # all pages but the last of a slice like the first

    def end_in_the_second_slice(_: object) -> None:
        nonlocal remaining_pages
        remaining_pages -= 1
        if not remaining_pages:
            world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=99)

    world.sandbox.faults.on_page = end_in_the_second_slice
    [interrupted] = await run_with_short_deadline(world)
    assert (interrupted.completed_days, interrupted.is_running) == (7, True)
    assert "the next run tries again" in str(interrupted.error)
    stored_count = len(await world.ledger_documents())
    world.sandbox.faults.clear()
    last = (await run_slices(world))[-1]
    assert (last.status, last.error, last.counts["fetched"]) == ("COMPLETED", None, len(keys))
    assert last.counts["unchanged"] > 0
    assert stored_count > 7
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_run_after_a_crash_starts_when_the_lease_expires(world: World) -> None:
    await begin_booked_backfill(world)
    async with world.acquire_lease("backfill") as lease:
        assert lease is not None
        assert await run_slices(world) == []
        world.clock.advance(541)
        assert (await run_slices(world))[-1].status == "COMPLETED"


async def test_unusable_settings_fail_the_backfill_with_a_message(world: World) -> None:
    await begin_test_backfill(world)
    await world.change_settings(timeZone="Mars/Olympus")
    [failed] = await run_slices(world)
    assert (failed.status, "timeZone must be" in str(failed.error)) == ("FAILED", True)
    assert await run_slices(world) == []
    assert "lease" not in (await world.read_settings_document())["backfill"]


async def test_a_failed_backfill_run_resumes_where_it_stopped(world: World) -> None:
    await begin_booked_backfill(world)
    await run_slices(world, slices=1)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await run_slices(world))[-1].status == "FAILED"
    world.sandbox.tokens.partners[0].rids.add(int(world.restaurant.rid))
    resumed = await start_backfill(world.context, world.restaurant.id)
    assert (resumed.status, resumed.completed_days) == ("RUNNING", 7)
    assert (await run_slices(world))[-1].status == "COMPLETED"


async def test_a_changed_rid_fails_the_backfill_with_a_message(world: World) -> None:
    await begin_test_backfill(world)
    await world.change_settings(restaurantId="12345")
    [failed] = await run_slices(world)
    assert (failed.status, "start it again" in str(failed.error)) == ("FAILED", True)


async def test_a_run_that_lost_its_lease_writes_nothing_more(world: World) -> None:
    await begin_booked_backfill(world)
    steps = []
    async for step in steps_of(world):
        steps.append(step)
        world.clock.advance(600)
        async with world.acquire_lease("backfill") as lease:
            assert lease is not None
    assert (len(steps), (await read_state(world)).completed_days) == (1, 7)


async def test_a_run_of_an_earlier_backfill_never_writes_over_a_new_one(world: World) -> None:
    await begin_booked_backfill(world)
    steps, new = [], None
    async for step in steps_of(world):
        steps.append(step)
        await world.change_settings(restaurantId="12345")
        new = await begin_test_backfill(world)
    assert (len(steps), await read_state(world)) == (1, new)


async def test_no_slice_starts_without_time_left(world: World) -> None:
    started = await begin_test_backfill(world)
    assert [step async for step in steps_of(world, Deadline.after(0))] == []
    assert await read_state(world) == started


async def test_no_step_starts_that_exceeds_the_time_left(world: World, timer: FakeTimer) -> None:
    await begin_test_backfill(world)
    world.sandbox.faults.on_page = lambda _: timer.advance(10)
    deadline = Deadline.after(45, Clock(timer, world.clock))
    steps = steps_of(world, deadline)
    # Ten seconds for the guests and for each slice: fifteen remain, less than twice a slice.
    assert [step.completed_days async for step in steps] == [7, 14]


async def test_a_restaurant_without_settings_has_no_backfill(world: World) -> None:
    assert await read_backfill(world.context, "nobody") is None
    with pytest.raises(InvalidSettingsError, match="add them"):
        await start_backfill(world.context, "nobody")


def logged_backfills(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if line["event"] == "backfill"]


async def test_a_run_returns_and_logs_its_progress(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await begin_booked_backfill(world)
    result = await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)
    assert result == {"restaurantId": world.restaurant.id, "status": "COMPLETED"}
    [line] = logged_backfills(capsys)
    assert (line["severity"], line["daysDone"], line["daysTotal"]) == ("INFO", 28, 28)


async def test_without_a_running_backfill_a_run_is_skipped(world: World) -> None:
    result = await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)
    assert result["status"] == "skipped"


async def test_a_transient_failure_is_a_warning(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await begin_test_backfill(world)
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=99)
    await backfill_restaurant(world.context, Deadline.after(1), world.restaurant.id)
    assert [line["severity"] for line in logged_backfills(capsys)] == ["WARNING"]
