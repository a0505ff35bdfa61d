import asyncio
from typing import Any

from shared.concurrency import Clock, Deadline
from shared.tasks.fan_out import OUT_OF_TIME_ERROR, run_for_each_restaurant
from tests.support.clocks import FakeTimer
from tests.support.world import START_TIME

IDS = [f"r-{number}" for number in range(20)]


async def finish_run(restaurant_id: str) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"restaurantId": restaurant_id, "status": "ok"}


async def test_the_results_are_in_the_restaurants_order() -> None:
    results = await run_for_each_restaurant(IDS, 7, finish_run, Deadline.after(60))
    assert [result["restaurantId"] for result in results] == IDS


async def test_concurrent_runs_are_limited() -> None:
    running, peak = 0, 0

    async def run(restaurant_id: str) -> dict[str, Any]:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        result = await finish_run(restaurant_id)
        running -= 1
        return result

    await run_for_each_restaurant(IDS, 7, run, Deadline.after(60))
    assert peak == 7


async def test_a_bug_in_one_run_does_not_stop_the_others() -> None:
    async def run(restaurant_id: str) -> dict[str, Any]:
        if restaurant_id == "r-3":
            raise KeyError(restaurant_id)
        return await finish_run(restaurant_id)

    results = await run_for_each_restaurant(IDS, 7, run, Deadline.after(60))
    assert [result for result in results if result["status"] != "ok"] == [
        {"restaurantId": "r-3", "status": "error", "error": "KeyError"}
    ]


async def test_no_run_starts_after_the_deadline(timer: FakeTimer) -> None:
    async def run(restaurant_id: str) -> dict[str, Any]:
        timer.advance(10)
        return await finish_run(restaurant_id)

    deadline = Deadline.after(30, Clock(timer, lambda: START_TIME))
    results = await run_for_each_restaurant(IDS, 1, run, deadline)
    assert [result["status"] for result in results] == ["ok"] * 3 + ["error"] * 17
    assert results[-1]["error"] == OUT_OF_TIME_ERROR
