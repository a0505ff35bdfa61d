"""`reconcile`: both sides compared now, the report told; or a held plan carried out."""

import argparse
import asyncio
from typing import Any
from zoneinfo import ZoneInfo

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import Ending, TryAgainError
from dev.operating.report_text import needs_a_person, report_lines
from shared.core.window import window_at
from shared.edge.forcing import force_held
from shared.edge.opentable.clock import Deadline
from shared.edge.reconciling import Wanted, reconcile_restaurant
from shared.errors import InvalidSettingsError

_LOOK_SECONDS = 1.0


async def reconcile(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """Run a reconciliation as the hourly function does, and tell its report.

    Raises:
        TryAgainError: When another run of it does not end within a run's budget.
        InvalidSettingsError: When the restaurant has no settings.
    """
    if said.force:
        console.confirm(f"The plan of {said.force} will be carried out.")
        seconds = desk.services.environment.run_seconds
        answer = await force_held(desk.services, desk.restaurant_id, said.force, seconds)
        return await tell_report(desk, console, answer["reportId"])
    _refuse_no_window(desk, said)
    return await run_and_tell(desk, console, Wanted(said.start, said.end, said.dry_run))


async def run_and_tell(desk: Desk, console: Console, wanted: Wanted) -> Ending:
    """Run a reconciliation, after one that is under way, and tell its report; as `reconcile`."""
    answer = await _run_alone(desk, console, wanted)
    if "reportId" not in answer:
        raise InvalidSettingsError(answer["error"])
    return await tell_report(desk, console, answer["reportId"])


async def _run_alone(desk: Desk, console: Console, wanted: Wanted) -> dict[str, Any]:
    """Run it once no other run holds the lease, as the hourly one may at any moment."""
    deadline, waits = Deadline.after(desk.services.environment.run_seconds), False
    while True:
        answer = await reconcile_restaurant(desk.services, wanted, desk.restaurant_id)
        if answer["status"] != "SKIPPED":
            return answer
        if not deadline.remaining():
            raise TryAgainError("Another reconciliation is still under way: run this again later.")
        if not waits:
            console.done("Reconcile", "another run is under way; this one waits for it")
        waits = True
        await asyncio.sleep(_LOOK_SECONDS)


async def tell_report(desk: Desk, console: Console, report_id: str) -> Ending:
    """Tell a stored report."""
    report = await desk.get(f"reports/{report_id}")
    for line in report_lines(report):
        console.say(line)
    return Ending(report, wants_a_person=needs_a_person(report))


def _refuse_no_window(desk: Desk, said: argparse.Namespace) -> None:
    try:
        window_at(desk.services.clock(), ZoneInfo("UTC"), said.start, said.end)
    except ValueError as error:
        raise InvalidSettingsError(f"{error}.") from None
