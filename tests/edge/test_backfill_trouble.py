"""A backfill whose run ends or fails goes on from where it stopped, and says what is the matter."""

import json
from datetime import timedelta

import pytest

from dev.sandbox.faults import FailureKind
from shared.edge import paths
from shared.edge.backfilling import backfill_restaurant, run_backfill_steps
from shared.edge.backfills import read_backfill, start_backfill
from shared.edge.leases import Leases
from shared.edge.opentable.clock import Clock, Deadline
from shared.errors import InvalidSettingsError
from tests.backfills import begin, book_some, run, run_briefly, settings, state
from tests.timer import Timer
from tests.world import World, disagreements


async def test_a_run_that_ends_between_slices_is_resumed_at_the_next(world: World) -> None:
    keys = book_some(world)
    world.clock.advance(86_400)
    await begin(world)
    await run(world, slices=2)
    rest = await run(world)
    assert [step.completed_days for step in rest] == [21, 28, 28]
    assert (rest[-1].counts["fetched"], rest[-1].counts["created"]) == (len(keys), len(keys))


async def test_a_run_that_dies_within_a_slice_costs_that_slice_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.sandbox.query.MAX_PAGE_LIMIT", 4)
    keys = book_some(world)
    world.clock.advance(86_400)
    await begin(world)
    pages = list[object]()
    world.sandbox.faults.on_page = pages.append
    await run(world, slices=1)
    left = len(pages) - 1  # but the last page of a slice like the first

    def end_in_the_second_slice(_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=99)

    world.sandbox.faults.on_page = end_in_the_second_slice
    [hindered] = await run_briefly(world)
    assert (hindered.completed_days, hindered.is_running) == (7, True)
    assert "the next run tries again" in str(hindered.error)
    held = len(await world.ledger())
    world.sandbox.faults.clear()
    last = (await run(world))[-1]
    assert (last.status, last.error, last.counts["fetched"]) == ("COMPLETED", None, len(keys))
    assert last.counts["unchanged"] > 0
    assert held > 7
    assert disagreements(world.book(), await world.ledger()) == []


async def test_a_run_whose_process_dies_is_followed_once_its_lease_is_over(world: World) -> None:
    book_some(world)
    await begin(world)
    leases = Leases(world.services.firestore, world.clock)
    assert await leases.acquire(world.restaurant.id, "backfill", timedelta(minutes=9))
    assert await run(world) == []
    world.clock.advance(541)
    assert (await run(world))[-1].status == "COMPLETED"


async def test_unusable_settings_fail_it_in_words(world: World) -> None:
    await begin(world)
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"timeZone": "Mars/Olympus"})
    [failed] = await run(world)
    assert (failed.status, "timeZone must be" in str(failed.error)) == ("FAILED", True)
    assert await run(world) == []
    assert "lease" not in (await settings(world))["backfill"]


async def test_a_failed_one_is_taken_up_again_where_it_stopped(world: World) -> None:
    book_some(world)
    await begin(world)
    await run(world, slices=1)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    assert (await run(world))[-1].status == "FAILED"
    world.sandbox.tokens.partners[0].rids.add(int(world.restaurant.rid))
    resumed = await start_backfill(world.services, world.restaurant.id)
    assert (resumed.status, resumed.completed_days) == ("RUNNING", 7)
    assert (await run(world))[-1].status == "COMPLETED"


async def test_another_number_ends_it_in_words(world: World) -> None:
    await begin(world)
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"restaurantId": "12345"})
    [failed] = await run(world)
    assert (failed.status, "begin it anew" in str(failed.error)) == ("FAILED", True)


async def test_a_run_that_lost_its_lease_writes_nothing_more(world: World) -> None:
    book_some(world)
    await begin(world)
    steps = []
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        steps.append(step)
        world.clock.advance(600)
        assert await Leases(world.services.firestore, world.clock).acquire(
            world.restaurant.id, "backfill", timedelta(minutes=9)
        )
    assert (len(steps), (await state(world)).completed_days) == (1, 7)


async def test_a_run_of_an_earlier_backfill_never_writes_over_a_new_one(world: World) -> None:
    book_some(world)
    await begin(world)
    steps, new = [], None
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        steps.append(step)
        integration = paths.integration_document(world.services.firestore, world.restaurant.id)
        await integration.update({"restaurantId": "12345"})
        new = await begin(world)
    assert (len(steps), await state(world)) == (1, new)


async def test_nothing_is_begun_where_no_time_is_left(world: World) -> None:
    begun = await begin(world)
    assert [
        step
        async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(0))
    ] == []
    assert await state(world) == begun


async def test_no_step_is_begun_that_the_time_left_would_not_hold(
    world: World, timer: Timer
) -> None:
    await begin(world)
    world.sandbox.faults.on_page = lambda _: timer.wait(10)
    deadline = Deadline.after(45, Clock(timer, world.clock))
    going = run_backfill_steps(world.services, world.restaurant.id, deadline)
    # Ten seconds for the guests, ten for each slice; of the fifteen left, ten must stay in hand.
    assert [step.completed_days async for step in going] == [7, 14]


async def test_a_restaurant_without_settings_has_no_backfill(world: World) -> None:
    assert await read_backfill(world.services, "nobody") is None
    with pytest.raises(InvalidSettingsError, match="add them"):
        await start_backfill(world.services, "nobody")


async def test_a_run_tells_and_logs_how_far_it_is(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    book_some(world)
    await begin(world)
    told = await backfill_restaurant(world.services, Deadline.after(60), world.restaurant.id)
    assert told == {"restaurantId": world.restaurant.id, "status": "COMPLETED"}
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "backfill"]
    assert (line["severity"], line["daysDone"], line["daysTotal"]) == ("INFO", 28, 28)


async def test_where_none_is_running_a_run_is_skipped(world: World) -> None:
    told = await backfill_restaurant(world.services, Deadline.after(60), world.restaurant.id)
    assert told["status"] == "skipped"


async def test_a_failure_that_passes_is_a_warning(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await begin(world)
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=99)
    await backfill_restaurant(world.services, Deadline.after(1), world.restaurant.id)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["severity"] for line in lines if line["event"] == "backfill"] == ["WARNING"]
