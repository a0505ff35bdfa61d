"""Backfills of some days of a book, and runs that carry them on."""

from contextlib import aclosing
from datetime import date, timedelta
from typing import Any

from sandbox.guest_actions import GuestActions
from shared.concurrency import Deadline
from shared.domain.backfill import Backfill
from shared.firestore import paths
from shared.polling.backfill import read_backfill, run_backfill_steps, start_backfill
from tests.support.world import START_TIME, World

FIRST_DAY, LAST_DAY = date(2026, 3, 4), date(2026, 3, 31)  # 28 days: four slices


async def begin_test_backfill(world: World) -> Backfill:
    return await start_backfill(world.services, world.restaurant.id, FIRST_DAY, LAST_DAY)


async def run_slices(world: World, slices: int = 99) -> list[Backfill]:
    """Carry the backfill on for at most so many steps, as a run that then ends."""
    steps: list[Backfill] = []
    progress = run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60))
    async with aclosing(progress):
        async for step in progress:
            steps.append(step)
            if len(steps) == slices:
                break
    return steps


async def read_state(world: World) -> Backfill:
    backfill = await read_backfill(world.services, world.restaurant.id)
    assert backfill is not None
    return backfill


async def read_settings_document(world: World) -> dict[str, Any]:
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    return (await integration.get()).to_dict() or {}


def book_range(world: World) -> list[str]:
    """Book one visit a day of the range, some with a guest; return their keys."""
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    keys = []
    for day in range(-10, 17):
        guest = guests.add(f"Guest {day}", "Example").key if day % 2 else None
        keys.append(world.desk.create(START_TIME + timedelta(days=day), 2, guest_key=guest).key)
    return [key.lower() for key in keys]


async def run_with_short_deadline(world: World) -> list[Backfill]:
    """Carry it on in a run that has little time."""
    progress = run_backfill_steps(world.services, world.restaurant.id, Deadline.after(1.5))
    return [step async for step in progress]
