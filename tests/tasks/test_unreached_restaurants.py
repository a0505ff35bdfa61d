"""The longest-waiting restaurant comes first; one that a run does not reach is logged."""

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.http import SandboxRequest, SandboxResponse
from sandbox.models import SandboxRestaurant
from shared.concurrency import Clock, Deadline
from shared.tasks.fan_out import OUT_OF_TIME_ERROR, list_jobs
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION
from tests.functions.scheduled_runs import change_environment, list_entries, run_function
from tests.support.clocks import FakeTimer
from tests.support.restaurants import new_restaurant, seed
from tests.support.world import NEW_YORK, START_TIME, World

RESTAURANTS = 8
BUDGET_SECONDS = 60.0


@pytest.fixture
def calls_per_budget() -> int:
    """How many calls of OpenTable use up a budget."""
    return 3


@pytest.fixture
async def busy_world(world: World, monkeypatch: pytest.MonkeyPatch, calls_per_budget: int) -> World:
    """Several restaurants, and a budget for a few calls of OpenTable."""
    for _ in range(RESTAURANTS - 1):
        restaurant = new_restaurant()
        await seed(world.context.firestore, restaurant)
        rid = int(restaurant.rid)
        world.sandbox.store.add_restaurant(SandboxRestaurant(rid, "Another one", NEW_YORK))
        world.sandbox.tokens.partners[0].rids.add(rid)
    timer, handle = FakeTimer(), world.sandbox.handle

    def handle_slowly(request: SandboxRequest) -> SandboxResponse:
        timer.advance(BUDGET_SECONDS / calls_per_budget)
        return handle(request)

    def start_deadline(seconds: float) -> Deadline:
        return Deadline.after(seconds, Clock(timer, world.clock))

    monkeypatch.setattr(world.sandbox, "handle", handle_slowly)
    for module in ("functions.poll", "functions.reconcile"):
        monkeypatch.setattr(f"{module}.Deadline", SimpleNamespace(after=start_deadline))
    return change_environment(
        world, run_budget_seconds=BUDGET_SECONDS, max_concurrent_restaurants=1
    )


async def run_for_all(world: World, function_name: str) -> tuple[set[str], set[str]]:
    """Run a function for all restaurants; return the ids that it reached, and the others."""
    entries = list_entries(await run_function(world, function_name))
    world.clock.advance(900)
    missed = {entry["restaurantId"] for entry in entries if entry.get("error") == OUT_OF_TIME_ERROR}
    return {entry["restaurantId"] for entry in entries} - missed, missed


def read_unreached_lines(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    return {
        line["restaurantId"]: line for line in lines if line["event"] == "restaurant.not_reached"
    }


@pytest.mark.parametrize("function_name", [POLL_FUNCTION, RECONCILE_FUNCTION])
async def test_an_unreached_restaurant_is_first_in_the_next_run(
    busy_world: World, function_name: str
) -> None:
    reached, missed = await run_for_all(busy_world, function_name)
    assert reached
    assert missed
    for _ in range(RESTAURANTS):
        next_reached, next_missed = await run_for_all(busy_world, function_name)
        # Either only restaurants that were not reached before are reached, or all of them.
        assert next_reached <= missed or missed <= next_reached
        missed -= next_reached
        if not missed:
            break
        assert missed <= next_missed
    assert not missed


# A poll calls twice, the first one a third time for its token.
@pytest.mark.parametrize("calls_per_budget", [4, 5, 6, 7])
async def test_a_restaurant_is_begun_only_with_time_for_its_poll(busy_world: World) -> None:
    polled = set()
    for _ in range(RESTAURANTS):
        entries = list_entries(await run_function(busy_world, POLL_FUNCTION))
        busy_world.clock.advance(1_800)
        polled |= {entry["restaurantId"] for entry in entries if entry["status"] == "ok"}
        errors = {entry["error"] for entry in entries if entry["status"] == "error"}
        assert errors <= {OUT_OF_TIME_ERROR}
    assert len(polled) == RESTAURANTS


@pytest.mark.parametrize("function_name", [POLL_FUNCTION, RECONCILE_FUNCTION])
async def test_an_unreached_restaurant_is_logged_with_the_age_of_its_cursor(
    busy_world: World, capsys: pytest.CaptureFixture[str], function_name: str
) -> None:
    waiting_since = START_TIME - timedelta(hours=1)
    await busy_world.integration_document.update(
        {"poll.cursor": waiting_since, "reconciliation.lastReconciledAt": waiting_since}
    )
    _, missed = await run_for_all(busy_world, function_name)
    lines = read_unreached_lines(capsys)
    assert lines.keys() == missed
    # The other restaurants were never reached, so they come before this one.
    line = lines.pop(busy_world.restaurant.id)
    assert (line["severity"], line["function"]) == ("WARNING", function_name)
    assert line["cursorAgeSeconds"] == 3_600
    assert not any("cursorAgeSeconds" in other for other in lines.values())


async def test_an_unreached_restaurant_of_a_task_is_logged_with_the_age_of_its_cursor(
    busy_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    cursor = {"cursor": START_TIME - timedelta(hours=2)}
    ids = [await seed_state(busy_world, poll=cursor) for _ in range(4)]
    await run_function(busy_world, POLL_FUNCTION, restaurantIds=ids)
    assert {line["cursorAgeSeconds"] for line in read_unreached_lines(capsys).values()} == {7_200}


async def test_a_run_that_reaches_every_restaurant_logs_no_unreached_restaurant(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_for_all(world, POLL_FUNCTION)
    assert read_unreached_lines(capsys) == {}


async def seed_state(world: World, **state: object) -> str:
    restaurant = new_restaurant()
    await seed(world.context.firestore, restaurant, **state)
    return restaurant.id


def hours_ago(hours: int) -> datetime:
    return START_TIME - timedelta(hours=hours)


async def test_unreached_restaurants_are_ordered_by_the_last_start_or_else_by_the_cursor(
    world: World,
) -> None:
    started = await seed_state(world, poll={"lastStartedAt": hours_ago(2), "cursor": hours_ago(9)})
    read = await seed_state(world, poll={"cursor": hours_ago(3)})
    oldest = await seed_state(world, poll={"lastStartedAt": hours_ago(4)})
    jobs = await list_jobs(world.context, POLL_FUNCTION)
    assert [job.restaurant_id for job in jobs] == [world.restaurant.id, oldest, read, started]


async def test_a_start_in_the_future_does_not_postpone_the_next_run(world: World) -> None:
    await seed_state(world, poll={"lastStartedAt": hours_ago(-24 * 365)})
    started = await seed_state(world, poll={"lastStartedAt": hours_ago(2)})
    jobs = await list_jobs(world.context, POLL_FUNCTION)
    assert jobs[-1].restaurant_id == started


@pytest.mark.parametrize("state", ["odd", 5, [], {"cursor": "odd"}, {"lastStartedAt": 5}, {}])
async def test_damaged_state_of_one_restaurant_does_not_stop_the_others(
    world: World, state: object
) -> None:
    damaged = await seed_state(world, poll=state, reconciliation=state)
    for function_name in (POLL_FUNCTION, RECONCILE_FUNCTION):
        jobs = await list_jobs(world.context, function_name)
        assert {job.restaurant_id for job in jobs} == {damaged, world.restaurant.id}


async def test_a_restaurant_whose_polls_fail_does_not_stay_first(world: World) -> None:
    working = await seed_state(world)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    await world.poll()
    await run_function(world, POLL_FUNCTION, restaurantId=working)
    world.clock.advance(60)
    await world.poll()
    jobs = await list_jobs(world.context, POLL_FUNCTION)
    assert [job.restaurant_id for job in jobs] == [working, world.restaurant.id]
