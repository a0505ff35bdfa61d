"""The backfill at the terminal: begun or taken up again, its progress shown."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import TryAgainError
from shared.edge.backfilling import carry_on
from shared.edge.backfills import read_backfill
from shared.edge.opentable.clock import Deadline
from shared.errors import InvalidSettingsError

_LOOK_SECONDS = 1.0
_BAR_CELLS = 24
_MINUTE = 60

Progress = Mapping[str, Any]


async def backfill(desk: Desk, console: Console) -> Progress:
    """Bring in the book, 30 days back to 365 ahead, unless that was done; show how far it is.

    Whoever else carries it on (the poll does), and whenever it is interrupted, it goes on from
    where it is.

    Raises:
        InvalidSettingsError: When something must be mended first.
        TryAgainError: When it stopped and goes on by itself, or when asked again.
    """
    if not await _is_done(desk):
        await desk.call("POST", "integration/backfill")
    now = await desk.get("integration/backfill")
    try:
        while now["status"] == "RUNNING":
            if not await _carry_on(desk, console):
                await _watch_another(desk, console)
            now = await desk.get("integration/backfill")
            _refuse_hindered(now)
    finally:
        console.end_progress()
    return now


async def _is_done(desk: Desk) -> bool:
    """Whether the book that the settings name now was brought in before."""
    held = await read_backfill(desk.services, desk.restaurant_id)
    rid = (await desk.get("integration"))["restaurantId"]
    return held is not None and held.finished_at is not None and held.rid == rid


async def _carry_on(desk: Desk, console: Console) -> bool:
    """Work until it is done or hindered; False where another run has it in hand."""
    deadline, went_on = Deadline.after(desk.services.environment.run_seconds), False
    steps = carry_on(desk.services, desk.restaurant_id, deadline)
    async with aclosing(steps):
        async for _ in steps:
            went_on = True
            console.progress(progress_line(await desk.get("integration/backfill")))
    return went_on


async def _watch_another(desk: Desk, console: Console) -> None:
    """Show how far another run takes it, until that run or the backfill has ended."""
    console.done("Backfill", "another run has it in hand; this one waits for it")
    while (now := await desk.get("integration/backfill"))["status"] == "RUNNING":
        console.progress(progress_line(now))
        await asyncio.sleep(_LOOK_SECONDS)
        if await _carry_on(desk, console):
            break


def _refuse_hindered(now: Progress) -> None:
    if now["error"] and now["status"] == "FAILED":
        raise InvalidSettingsError(now["error"])
    if now["error"]:
        raise TryAgainError(f"The backfill stopped: {now['error']} Run this again to go on.")


def progress_line(now: Progress) -> str:
    """Return how far a backfill is, and how long the rest will take, in one line."""
    done, total = now["daysDone"], now["daysTotal"]
    filled = _BAR_CELLS * done // total if total else 0
    bar = f"{'█' * filled:░<{_BAR_CELLS}}"
    return f"{bar} {done} of {total} days, {now['fetched']} rows{_left(now['secondsLeft'])}"


def _left(seconds: int | None) -> str:
    if not seconds:
        return ""
    if seconds < _MINUTE:
        return f", about {seconds} s left"
    return f", about {round(seconds / _MINUTE)} min left"
