"""A manager starts a backfill, and sees how far it is."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.core.task import QueuedTask
from shared.edge import paths
from shared.edge.backfilling import backfill_restaurant
from shared.edge.opentable.clock import Deadline
from shared.edge.staff.staffroom import ApiContext
from shared.errors import EnqueueError
from tests.functions.api.caller import Caller, code_of, served
from tests.world import BEGINNING, World

MARCH = {"startDate": "2026-03-01", "endDate": "2026-03-31"}
APRIL = {"startDate": "2026-04-01", "endDate": "2026-04-30"}


async def work(world: World) -> None:
    await backfill_restaurant(world.services, Deadline.after(60), world.restaurant.id)


async def test_where_there_never_was_one_there_is_none(manager: Caller) -> None:
    assert (await manager.get("integration/backfill")).json() == {
        "status": "NONE",
        "startDate": None,
        "endDate": None,
        "daysDone": 0,
        "daysTotal": 0,
        "fetched": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "stale": 0,
        "quarantined": 0,
        "startedAt": None,
        "updatedAt": None,
        "finishedAt": None,
        "secondsLeft": None,
        "error": None,
    }


async def test_a_start_is_answered_with_its_progress(manager: Caller) -> None:
    told = (await manager.post("integration/backfill", MARCH)).json()
    assert (told["status"], told["startedAt"]) == ("RUNNING", "2026-03-14T15:00:00Z")
    assert (told["startDate"], told["endDate"]) == ("2026-03-01", "2026-03-31")
    assert (told["daysDone"], told["daysTotal"], told["secondsLeft"]) == (0, 31, None)
    assert (await manager.get("integration/backfill")).json() == told


async def test_without_dates_it_is_a_month_back_to_a_year_ahead(manager: Caller) -> None:
    told = (await manager.post("integration/backfill")).json()
    assert (told["startDate"], told["endDate"]) == ("2026-02-12", "2027-03-14")


async def test_what_was_brought_is_told_in_the_end(manager: Caller, world: World) -> None:
    world.desk.create(BEGINNING + timedelta(days=2), 2)
    await manager.post("integration/backfill", MARCH)
    await work(world)
    told = (await manager.get("integration/backfill")).json()
    assert (told["status"], told["created"], told["daysDone"]) == ("COMPLETED", 1, 31)
    assert told["finishedAt"] == "2026-03-14T15:00:00Z"


async def test_the_same_days_asked_for_again_are_answered_with_progress(manager: Caller) -> None:
    first = (await manager.post("integration/backfill", MARCH)).json()
    again = await manager.post("integration/backfill", MARCH)
    assert (again.status_code, again.json()) == (200, first)


async def test_other_days_are_refused_while_one_runs(manager: Caller) -> None:
    await manager.post("integration/backfill", MARCH)
    refused = await manager.post("integration/backfill", APRIL)
    assert code_of(refused) == (409, "BACKFILL_UNDER_WAY")


async def test_other_days_are_taken_once_it_is_completed(manager: Caller, world: World) -> None:
    await manager.post("integration/backfill", MARCH)
    await work(world)
    told = (await manager.post("integration/backfill", APRIL)).json()
    assert (told["status"], told["startDate"]) == ("RUNNING", "2026-04-01")


@pytest.mark.parametrize(
    "body",
    [
        {"startDate": "2026-03-31", "endDate": "2026-03-01"},
        {"startDate": "2020-01-01", "endDate": "2026-03-01"},
        {"startDate": "2020-01-01"},
        {"startDate": "March"},
        {"startDate": 20260301},
        {"days": 7},
    ],
)
async def test_a_range_that_is_none_or_too_large_is_refused(
    manager: Caller, body: dict[str, Any]
) -> None:
    refused = await manager.post("integration/backfill", body)
    assert code_of(refused) == (400, "INVALID_REQUEST")


async def test_a_restaurant_that_is_switched_off_has_none(manager: Caller, world: World) -> None:
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"enabled": False})
    refused = await manager.post("integration/backfill", MARCH)
    assert code_of(refused) == (409, "INTEGRATION_DISABLED")


async def test_settings_that_must_be_mended_are_told_first(manager: Caller, world: World) -> None:
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"restaurantId": None})
    refused = await manager.post("integration/backfill", MARCH)
    assert code_of(refused) == (409, "SETTINGS_UNUSABLE")


async def test_a_host_neither_starts_nor_sees_one(host: Caller) -> None:
    assert code_of(await host.post("integration/backfill", MARCH)) == (403, "ROLE_REQUIRED")
    assert code_of(await host.get("integration/backfill")) == (403, "ROLE_REQUIRED")


async def test_who_started_it_is_logged(
    manager: Caller, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await manager.post("integration/backfill", MARCH)
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "backfill.started"]
    assert (line["restaurantId"], line["by"]) == (world.restaurant.id, "mara")


class Taken:
    """A queue that keeps what it is given, or is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.tasks: list[QueuedTask] = []
        self._away = away

    async def enqueue(self, task: QueuedTask) -> None:
        if self._away:
            raise EnqueueError("The queue is away.")
        self.tasks.append(task)


async def started(room: ApiContext, manager: Caller, queue: Taken) -> httpx.Response:
    services = replace(room.app_context, queue=queue)
    caller = replace(manager, transport=served(replace(room, app_context=services)))
    return await caller.post("integration/backfill", MARCH)


async def test_a_start_has_it_carried_on_at_once(
    room: ApiContext, manager: Caller, world: World
) -> None:
    queue = Taken()
    await started(room, manager, queue)
    [task] = queue.tasks
    assert task.function_name == "opentable-poll"
    assert task.body == {"restaurantId": world.restaurant.id, "backfill": True}


async def test_a_start_repeated_before_any_progress_is_one_task(
    room: ApiContext, manager: Caller
) -> None:
    queue = Taken()
    await started(room, manager, queue)
    await started(room, manager, queue)
    assert len({task.name for task in queue.tasks}) == 1


async def test_a_start_that_no_queue_takes_is_left_to_the_next_poll(
    room: ApiContext, manager: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = await started(room, manager, Taken(away=True))
    assert (reply.status_code, reply.json()["status"]) == (200, "RUNNING")
    assert "The queue is away." in capsys.readouterr().out
