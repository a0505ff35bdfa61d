"""A restaurant is lost and restored from each kind of copy; both sides are equal afterwards."""

import json
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dev.local.emulator import Emulator
from tests.drills.busy_restaurant import BusyRestaurant, ReportDrill
from tests.support.backups import lose_restaurant, read_backup_lines, restore_lines
from tests.support.guests import GuestScenario
from tests.support.world import World

pytestmark = pytest.mark.slow


async def measure_seconds(action: Callable[[], Awaitable[object]]) -> float:
    started = time.monotonic()
    await action()
    return round(time.monotonic() - started, 1)


async def test_a_lost_restaurant_is_restored_and_becomes_equal(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill
) -> None:
    world = busy_restaurant.world
    await busy_restaurant.run_for(60)
    lines = await read_backup_lines(world)
    # Changes after the backup, known to OpenTable only once the ledger is lost.
    await busy_restaurant.run_for(60)
    before = await world.ledger_documents()
    await lose_restaurant(world)
    assert await world.ledger_documents() == {}
    seconds = await measure_seconds(lambda: restore_lines(world, lines))
    await world.change_settings(enabled=True)
    assert (await world.poll())["status"] == "ok"
    await busy_restaurant.deliver()
    assert (await world.reconcile())["status"] == "COMPLETED"
    assert await busy_restaurant.differing_keys() == []
    assert (await world.ledger_documents()).keys() == before.keys()
    report_drill(
        "restaurant lost, restored from a backup",
        documents=len(lines) - 2,
        reservations=len(before),
        real_seconds_to_restore=seconds,
        differences=0,
    )


async def test_documents_lost_without_a_backup_are_rebuilt_from_their_journals(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill
) -> None:
    world = busy_restaurant.world
    await busy_restaurant.run_for(60)
    before = await world.ledger_documents()
    lines = await read_backup_lines(world)
    await world.change_settings(enabled=False)
    async for document in world.reservations_collection.list_documents():
        await document.delete()  # not its journal
    rebuilt = (await restore_lines(world, [*lines[:1], json.dumps({"documents": 0})])).rebuilt
    after = await world.ledger_documents()
    assert {key: _without_update(each) for key, each in after.items()} == {
        key: _without_update(each) for key, each in before.items()
    }
    report_drill("all documents lost, journals kept", rebuilt=len(rebuilt), differences=0)


def _without_update(document: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in document.items() if name != "updatedAt"}


async def test_an_exported_database_is_imported_again(
    world: World, emulator: Emulator, tmp_path: Path, report_drill: ReportDrill
) -> None:
    scenario = GuestScenario(world)
    for _ in range(20):
        scenario.book(scenario.guests.add("Ada", "Lovelace").key)
    await scenario.poll()
    await world.reconcile()
    before = await scenario.all_documents()
    project = world.context.firestore.project
    call_emulator(emulator, f"{project}:export", export_directory=str(tmp_path), export_name="e")
    await lose_restaurant(world)
    [metadata] = (tmp_path / "e").glob("*.overall_export_metadata")
    call_emulator(emulator, f"{project}:import", export_directory=str(metadata))
    assert await scenario.all_documents() == before
    assert (await world.poll())["status"] == "ok"
    report_drill("database exported, lost, imported", documents=len(before), differences=0)


def call_emulator(emulator: Emulator, method: str, **body: str) -> None:
    """Call a method of the emulator that stands for `gcloud firestore export` and `import`."""
    project = method.partition(":")[0]
    database = {"database": f"projects/{project}/databases/(default)"}
    request = urllib.request.Request(
        f"http://{emulator.host}/emulator/v1/projects/{method}",
        data=json.dumps(database | body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 -- the emulator's own address
