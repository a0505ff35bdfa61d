"""Start a backfill and follow its progress."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.concurrency import Deadline
from shared.errors import EnqueueError
from shared.polling.backfill import backfill_restaurant
from shared.tasks.queue import QueuedTask
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import START_TIME, World

MARCH = {"startDate": "2026-03-01", "endDate": "2026-03-31"}
APRIL = {"startDate": "2026-04-01", "endDate": "2026-04-30"}


async def run_backfill(world: World) -> None:
    await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)


async def test_without_a_backfill_the_state_is_empty(manager: StaffApiClient) -> None:
    counts = ("fetched", "created", "updated", "unchanged", "stale", "quarantined")
    unknown = ("startDate", "endDate", "startedAt", "updatedAt", "finishedAt", "secondsLeft")
    assert (await manager.get("integration/backfill")).json() == {
        "status": "NONE",
        "error": None,
        **dict.fromkeys(("daysDone", "daysTotal", *counts), 0),
        **dict.fromkeys(unknown),
    }


async def test_a_start_is_answered_with_its_progress(manager: StaffApiClient) -> None:
    body = (await manager.post("integration/backfill", MARCH)).json()
    assert (body["status"], body["startedAt"]) == ("RUNNING", "2026-03-14T15:00:00Z")
    assert (body["startDate"], body["endDate"]) == ("2026-03-01", "2026-03-31")
    assert (body["daysDone"], body["daysTotal"], body["secondsLeft"]) == (0, 31, None)
    assert (await manager.get("integration/backfill")).json() == body


async def test_without_dates_it_is_a_month_back_to_a_year_ahead(manager: StaffApiClient) -> None:
    body = (await manager.post("integration/backfill")).json()
    assert (body["startDate"], body["endDate"]) == ("2026-02-12", "2027-03-14")


async def test_the_final_progress_contains_the_counts(
    manager: StaffApiClient, world: World
) -> None:
    world.actions.create(START_TIME + timedelta(days=2), 2)
    await manager.post("integration/backfill", MARCH)
    await run_backfill(world)
    body = (await manager.get("integration/backfill")).json()
    assert (body["status"], body["created"], body["daysDone"]) == ("COMPLETED", 1, 31)
    assert body["finishedAt"] == "2026-03-14T15:00:00Z"


async def test_a_repeated_request_returns_the_progress(manager: StaffApiClient) -> None:
    first = (await manager.post("integration/backfill", MARCH)).json()
    repeated = await manager.post("integration/backfill", MARCH)
    assert (repeated.status_code, repeated.json()) == (200, first)


async def test_other_days_are_rejected_while_a_backfill_is_running(manager: StaffApiClient) -> None:
    await manager.post("integration/backfill", MARCH)
    response = await manager.post("integration/backfill", APRIL)
    assert error_code(response) == (409, "BACKFILL_RUNNING")


async def test_other_days_are_accepted_after_completion(
    manager: StaffApiClient, world: World
) -> None:
    await manager.post("integration/backfill", MARCH)
    await run_backfill(world)
    body = (await manager.post("integration/backfill", APRIL)).json()
    assert (body["status"], body["startDate"]) == ("RUNNING", "2026-04-01")


@pytest.mark.parametrize(
    "setting, code",
    [({"enabled": False}, "INTEGRATION_DISABLED"), ({"restaurantId": None}, "SETTINGS_UNUSABLE")],
    ids=["disabled", "invalid"],
)
async def test_a_restaurant_without_an_enabled_and_valid_integration_has_none(
    setting: dict[str, Any], code: str, manager: StaffApiClient, world: World
) -> None:
    await world.change_settings(**setting)
    response = await manager.post("integration/backfill", MARCH)
    assert error_code(response) == (409, code)


async def test_who_started_it_is_logged(
    manager: StaffApiClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await manager.post("integration/backfill", MARCH)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "backfill.started"]
    assert (line["restaurantId"], line["by"]) == (world.restaurant.id, "mara")


class RecordingQueue:
    """A queue that records its tasks, or is unavailable."""

    def __init__(self, *, is_available: bool = True) -> None:
        self.tasks: list[QueuedTask] = []
        self._is_available = is_available

    async def enqueue(self, task: QueuedTask) -> None:
        if not self._is_available:
            raise EnqueueError("The queue is unavailable.")
        self.tasks.append(task)


async def test_a_start_has_it_carried_on_at_once(manager: StaffApiClient, world: World) -> None:
    queue = RecordingQueue()
    client = manager.with_app_context(queue=queue)
    await client.post("integration/backfill", MARCH)
    [task] = queue.tasks
    assert task.function_name == "opentable-poll"
    assert task.body == {"restaurantId": world.restaurant.id, "backfill": True}


async def test_a_start_repeated_before_any_progress_is_one_task(manager: StaffApiClient) -> None:
    queue = RecordingQueue()
    client = manager.with_app_context(queue=queue)
    for _ in range(2):
        await client.post("integration/backfill", MARCH)
    assert len({task.name for task in queue.tasks}) == 1


async def test_a_start_that_no_queue_takes_is_left_to_the_next_poll(
    manager: StaffApiClient, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = RecordingQueue(is_available=False)
    client = manager.with_app_context(queue=queue)
    response = await client.post("integration/backfill", MARCH)
    assert (response.status_code, response.json()["status"]) == (200, "RUNNING")
    assert "The queue is unavailable." in capsys.readouterr().out
