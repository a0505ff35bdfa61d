"""Start a test backfill, book reservations in its range, run its slices."""

from contextlib import aclosing
from datetime import date, timedelta

from sandbox.actions import GuestActions
from shared.concurrency import Deadline
from shared.domain.backfill import Backfill
from shared.polling.backfill import read_backfill, run_backfill_steps, start_backfill
from tests.support.world import START_TIME, World

FIRST_DAY, LAST_DAY = date(2026, 3, 4), date(2026, 3, 31)  # 28 days: four slices


async def begin_test_backfill(world: World) -> Backfill:
    return await start_backfill(world.context, world.restaurant.id, FIRST_DAY, LAST_DAY)


async def run_slices(world: World, slices: int = 99) -> list[Backfill]:
    """Continue the backfill for at most `slices` steps, as one run."""
    steps: list[Backfill] = []
    run = run_backfill_steps(world.context, world.restaurant.id, Deadline.after(60))
    async with aclosing(run):
        async for step in run:
            steps.append(step)
            if len(steps) == slices:
                break
    return steps


async def read_state(world: World) -> Backfill:
    backfill = await read_backfill(world.context, world.restaurant.id)
    assert backfill is not None
    return backfill


def book_range(world: World) -> list[str]:
    """Book one reservation per day of the range, some with a guest; return their keys."""
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    keys = []
    for day in range(-10, 17):
        guest = guests.add(f"Guest {day}", "Example").key if day % 2 else None
        keys.append(world.actions.create(START_TIME + timedelta(days=day), 2, guest_key=guest).key)
    return [key.lower() for key in keys]


async def run_with_short_deadline(world: World) -> list[Backfill]:
    """Continue the backfill in a run with 1.5 seconds."""
    run = run_backfill_steps(world.context, world.restaurant.id, Deadline.after(1.5))
    return [step async for step in run]
