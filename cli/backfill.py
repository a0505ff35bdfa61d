"""The backfill of `restaurants add`: import a restaurant's reservations, with a progress bar."""

import asyncio
from contextlib import aclosing
from typing import Any, TypeAlias

import click

from cli.api import OperatorClient
from cli.output import Console, RetryLaterError
from shared.concurrency import Deadline
from shared.errors import InvalidSettingsError
from shared.polling.backfill import read_backfill, run_backfill_steps

_POLL_INTERVAL_SECONDS = 1.0
_MINUTE_SECONDS = 60

BackfillProgress: TypeAlias = dict[str, Any]


async def backfill_with_progress(api: OperatorClient, console: Console) -> BackfillProgress:
    """Import reservations from 30 days ago to 365 days ahead, unless that was done before.

    The state is stored after each step. An interrupted backfill resumes there, in this command or
    in the next poll.
    """
    # A finished backfill counts only for the rid of the current settings.
    stored = await read_backfill(api.app_context, api.restaurant_id)
    rid = (await api.get("integration"))["restaurantId"]
    if stored is not None and stored.finished_at is not None and stored.rid == rid:
        progress = await api.get("integration/backfill")
        console.print_step("Backfill", f"already done at {progress['finishedAt']}")
        return progress
    await api.call("POST", "integration/backfill")
    progress = await _run_backfill(api, console)
    counts = ", ".join(
        f"{progress[name]} {name}"
        for name in ("created", "updated", "unchanged", "stale", "quarantined")
        if progress[name]
    )
    days = f"{progress['startDate']} to {progress['endDate']}"
    rows = f"{progress['fetched']} rows" + (f" ({counts})" if counts else "")
    console.print_step("Backfill", f"{days}: {rows}")
    return progress


async def _run_backfill(api: OperatorClient, console: Console) -> BackfillProgress:
    """Run the steps of a requested backfill, or wait for the run that works on it."""
    progress = await api.get("integration/backfill")
    is_waiting = False
    with click.progressbar(
        length=progress["daysTotal"],
        label=format_progress(progress),
        bar_template="%(bar)s %(label)s",
        fill_char="█",
        empty_char="░",
        show_eta=False,
        show_percent=False,
        width=24,
        file=console.errors,
        hidden=progress["status"] != "RUNNING" or not console.errors.isatty(),
    ) as bar:

        async def show_progress() -> BackfillProgress:
            current = await api.get("integration/backfill")
            bar.label = format_progress(current)
            bar.update(current["daysDone"] - bar.pos)
            return current

        while progress["status"] == "RUNNING":
            has_worked = False
            deadline = Deadline.after(api.app_context.environment.run_budget_seconds)
            # Without the lease of the backfill, this yields nothing.
            steps = run_backfill_steps(api.app_context, api.restaurant_id, deadline)
            async with aclosing(steps):
                async for _ in steps:
                    has_worked = True
                    await show_progress()
            progress = await show_progress()
            if not has_worked and progress["status"] == "RUNNING":
                if not is_waiting:
                    is_waiting = True
                    bar.render_finish()  # the message gets a line of its own
                    console.print_step("Backfill", "another run is importing; waiting for it")
                await asyncio.sleep(_POLL_INTERVAL_SECONDS)
                # Its next step clears the error of an earlier one, so an error is no news here.
                continue
            if progress["error"] and progress["status"] == "FAILED":
                raise InvalidSettingsError(progress["error"])
            if progress["error"]:
                raise RetryLaterError(
                    f"The backfill stopped: {progress['error']} Run the command again to continue."
                )
    return progress


def format_progress(progress: BackfillProgress) -> str:
    """Return the days and rows done and the time left, as one line."""
    text = f"{progress['daysDone']} of {progress['daysTotal']} days, {progress['fetched']} rows"
    seconds = progress["secondsLeft"]
    if not seconds:
        return text
    if seconds < _MINUTE_SECONDS:
        return f"{text}, about {seconds} s left"
    return f"{text}, about {round(seconds / _MINUTE_SECONDS)} min left"
