"""The backfill at the terminal: begun or taken up again, its progress shown."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import RetryLaterError
from shared.concurrency import Deadline
from shared.errors import InvalidSettingsError
from shared.polling.backfill import read_backfill, run_backfill_steps

_POLL_INTERVAL_SECONDS = 1.0
_BAR_CELLS = 24
_MINUTE_SECONDS = 60

BackfillProgress = Mapping[str, Any]


async def backfill(api: OperatorClient, console: Console) -> BackfillProgress:
    """Bring in the book, 30 days back to 365 ahead, unless that was done; show how far it is.

    Whoever else carries it on (the poll does), and whenever it is interrupted, it goes on from
    where it is.

    Raises:
        InvalidSettingsError: When something must be mended first.
        TryAgainError: When it stopped and goes on by itself, or when asked again.
    """
    if not await _is_done(api):
        await api.call("POST", "integration/backfill")
    progress = await api.get("integration/backfill")
    try:
        while progress["status"] == "RUNNING":
            if not await _run_steps(api, console):
                await _wait_for_other_run(api, console)
            progress = await api.get("integration/backfill")
            _raise_if_stopped(progress)
    finally:
        console.end_progress()
    return progress


async def _is_done(api: OperatorClient) -> bool:
    """Whether the book that the settings name now was brought in before."""
    stored = await read_backfill(api.app_context, api.restaurant_id)
    rid = (await api.get("integration"))["restaurantId"]
    return stored is not None and stored.finished_at is not None and stored.rid == rid


async def _run_steps(api: OperatorClient, console: Console) -> bool:
    """Work until it is done or hindered; False where another run has it in hand."""
    deadline, has_worked = Deadline.after(api.app_context.environment.run_budget_seconds), False
    steps = run_backfill_steps(api.app_context, api.restaurant_id, deadline)
    async with aclosing(steps):
        async for _ in steps:
            has_worked = True
            console.show_progress(format_progress(await api.get("integration/backfill")))
    return has_worked


async def _wait_for_other_run(api: OperatorClient, console: Console) -> None:
    """Show how far another run takes it, until that run or the backfill has ended."""
    console.print_step("Backfill", "another run has it in hand; this one waits for it")
    while (progress := await api.get("integration/backfill"))["status"] == "RUNNING":
        console.show_progress(format_progress(progress))
        await asyncio.sleep(_POLL_INTERVAL_SECONDS)
        if await _run_steps(api, console):
            break


def _raise_if_stopped(progress: BackfillProgress) -> None:
    if progress["error"] and progress["status"] == "FAILED":
        raise InvalidSettingsError(progress["error"])
    if progress["error"]:
        raise RetryLaterError(f"The backfill stopped: {progress['error']} Run this again to go on.")


def format_progress(progress: BackfillProgress) -> str:
    """Return how far a backfill is, and how long the rest will take, in one line."""
    done, total = progress["daysDone"], progress["daysTotal"]
    filled = _BAR_CELLS * done // total if total else 0
    bar = f"{'█' * filled:░<{_BAR_CELLS}}"
    time_left = _format_time_left(progress["secondsLeft"])
    return f"{bar} {done} of {total} days, {progress['fetched']} rows{time_left}"


def _format_time_left(seconds: int | None) -> str:
    if not seconds:
        return ""
    if seconds < _MINUTE_SECONDS:
        return f", about {seconds} s left"
    return f", about {round(seconds / _MINUTE_SECONDS)} min left"
