"""Reading both sides of a window, row against mark, without holding either side whole."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from shared.core.change import Change, Source
from shared.core.comparison import Mark, row_fingerprint
from shared.core.keys import external_key
from shared.core.report import Divergence, Report
from shared.core.settings import Settings
from shared.core.snapshot import contradicts_zone, row_id
from shared.edge.opentable.query import Kind, Query, WallTime
from shared.edge.rows import Batch, Unreadable, read_rows
from shared.edge.run import Run
from shared.errors import OpenTableError, RejectedStatementError


class Comparison(Struct):
    """What a complete reading of both sides found.

    Attributes:
        holdings: The ledger's marks, by external key.
        seen: Every key in OpenTable's answer, unreadable rows included.
        differing: Rows that are not plainly equal to what is held, by key.
        in_another_zone: How many rows' times contradict the restaurant's zone.
    """

    holdings: dict[str, Mark] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    differing: dict[str, Change] = field(default_factory=dict)
    in_another_zone: int = 0

    def note_zone(self, rows: Iterable[dict[str, Any]], zone: ZoneInfo) -> None:
        """Count the rows whose local and UTC times contradict the restaurant's zone."""
        self.in_another_zone += sum(contradicts_zone(row, zone) for row in rows)

    def missing(self) -> list[str]:
        """Return the keys held in the window that the answer lacks and no earlier run flagged."""
        return [key for key in self.unseen() if self.holdings[key].dated]

    def unseen(self) -> list[str]:
        """Return the keys held that the answer lacks and no earlier run flagged as missing."""
        flagged = Divergence.MISSING_IN_OPENTABLE
        return [
            key
            for key, mark in self.holdings.items()
            if key not in self.seen and mark.divergence != flagged
        ]

    def standing(self) -> list[str]:
        """Return the keys flagged as missing by an earlier run, and still unseen."""
        return sorted(self.holdings.keys() - self.seen - set(self.unseen()))


async def compare(run: Run, reading: Coroutine[Any, Any, dict[str, Mark]]) -> Comparison:
    """Read both sides completely and hold OpenTable's rows against the ledger's marks.

    Which side is read first does not matter: what either says only afterwards is asked for again,
    by its id, before anything follows from it. So both are asked at once.

    Args:
        run: The run; its report counts what is read, and takes up the unreadable rows.
        reading: Reads the ledger's side, and counts it in the report.

    Raises:
        OpenTableError: When the answer is not shown to be complete; nothing follows from it.
        LedgerUnavailableError: When the ledger's side could not be read, or an unreadable row
            not be kept aside.
    """
    held = asyncio.create_task(reading)
    try:
        return await _compare(run, held)
    except OpenTableError:
        await asyncio.wait([held])  # The report of what failed tells what is held all the same.
        raise
    finally:
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)


async def _compare(run: Run, held: Awaitable[dict[str, Mark]]) -> Comparison:
    window, report = run.report.window, run.report
    query = Query(
        scheduled_from=WallTime.on(window.start), scheduled_to=WallTime.end_of(window.end)
    )
    comparison = Comparison()
    listing = run.connection.services.opentable.pages(
        run.connection.access, Kind.RESERVATIONS, query, run.connection.deadline
    )
    async for page in listing:
        items = (*page.rows, *page.strays)
        batch = await read_rows(
            run.connection.services, run.connection.settings, items, Source.RECONCILIATION
        )
        comparison.holdings = await held
        report.open_table_count += len(items)
        report.compared_count += len(batch.changes)
        _hold_against(comparison, run.connection.settings, batch, report)
        comparison.note_zone(page.rows, run.connection.settings.usable_zone())
    return comparison


def _hold_against(comparison: Comparison, settings: Settings, batch: Batch, report: Report) -> None:
    for change in batch.changes:
        _hold_one_against(comparison, settings, change, report)
    for unreadable in batch.unreadable:
        key = _key_of(unreadable, settings)
        if key is not None:
            comparison.seen.add(key)
        text = f"OpenTable's row cannot be read ({unreadable.rejection}); see the quarantine."
        report.diverge(Divergence.UNREADABLE, key, text, is_new=unreadable.kept.is_new)


def _hold_one_against(
    comparison: Comparison, settings: Settings, change: Change, report: Report
) -> None:
    key = change.external_key
    mark = comparison.holdings.get(key)
    again = key in comparison.seen
    comparison.seen.add(key)
    if mark is not None and mark.divergence is None and not again:
        zone = settings.usable_zone()
        if mark.fingerprint == row_fingerprint(change, settings.restaurant_id, zone):
            report.unchanged_count += 1
            return
    earlier = comparison.differing.get(key)
    if earlier is None or earlier.version < change.version:
        comparison.differing[key] = change


def _key_of(unreadable: Unreadable, settings: Settings) -> str | None:
    """Return an unreadable row's key where it has one: what cannot be read is not missing."""
    try:
        item = unreadable.item
        return external_key(row_id(item), settings.rid) if isinstance(item, dict) else None
    except RejectedStatementError:
        return None
