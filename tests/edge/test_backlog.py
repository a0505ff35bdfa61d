"""What waits in the quarantine is counted, and so is for how long."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.edge import paths
from shared.edge.backlog import QuarantineBacklog, read_quarantine_backlog
from tests.world import START_TIME, World


async def backlog(world: World) -> QuarantineBacklog:
    return await read_quarantine_backlog(world.services, world.restaurant.id)


async def quarantine_envelope(world: World, party_size: int) -> str:
    result = await world.ingest_envelope("created", reservationId="a", partySize=party_size)
    return getattr(result, "id", "")


async def test_an_empty_quarantine_has_no_backlog(world: World) -> None:
    assert await backlog(world) == QuarantineBacklog(0, None)


async def test_the_oldest_open_item_gives_its_age(world: World) -> None:
    for party_size in (0, -1):
        await quarantine_envelope(world, party_size)
        world.clock.advance(60)
    assert await backlog(world) == QuarantineBacklog(2, START_TIME)


async def test_a_settled_item_does_not_wait(world: World) -> None:
    first = await quarantine_envelope(world, 0)
    world.clock.advance(60)
    await quarantine_envelope(world, -1)
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id)
    await items.document(first).update({"status": "DISMISSED"})
    assert await backlog(world) == QuarantineBacklog(1, START_TIME + timedelta(seconds=60))


def backlog_log_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [found] = [line for line in lines if line["event"] == "quarantine"]
    return {name: found[name] for name in ("openItems", "oldestOpenSeconds")}


async def test_each_reconciliation_logs_the_backlog(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await quarantine_envelope(world, 0)
    world.clock.advance(90)
    await world.reconcile()
    assert backlog_log_line(capsys) == {"openItems": 1, "oldestOpenSeconds": 90}


async def test_an_empty_backlog_is_logged_too(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.reconcile()
    assert backlog_log_line(capsys) == {"openItems": 0, "oldestOpenSeconds": 0}
