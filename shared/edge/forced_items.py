"""Some items of a forced plan: held against the present, and carried out or skipped."""

from typing import Any

from shared.core.change import Change, Source
from shared.core.planned import LEDGER_MOVED, Planned, held_versions
from shared.core.report import Divergence
from shared.edge.by_id import fetch_by_id
from shared.edge.corrections import carry_out
from shared.edge.divergences import read_statements, settle_findings
from shared.edge.ledger import Applied
from shared.edge.plan import make_plan
from shared.edge.rows import read_rows
from shared.edge.run import Run


async def carry_out_items(run: Run, items: list[Planned]) -> list[Applied]:
    """Carry out what neither side has moved since it was planned; list the rest as skipped.

    Args:
        run: The run; its report lists what was done.
        items: Items of the plan, no two of one reservation.

    Returns:
        What the ledger took.

    Raises:
        OpenTableError: When OpenTable could not be asked; none of these items was carried out.
        LedgerUnavailableError: When the ledger could not be read, or not take them.
    """
    services, settings, report = run.connection.services, run.connection.settings, run.report
    unmoved = await _unmoved(run, items)
    rows = await fetch_by_id(run.connection, [item.basis.open_table_id for item in unmoved])
    changes: list[Change] = []
    absent: list[str] = []
    for item, row in zip(unmoved, rows, strict=True):
        if row is None and item.basis.shown is None:
            absent.append(item.external_key)
        elif change := await _unmoved_row(run, item, row):
            changes.append(change)
    plan = await make_plan(services.ledger(settings), changes, report)
    counts = run.expects_webhooks
    applied = await carry_out(services, settings, plan, report, count_missed=counts)
    await settle_findings(run, absent, plan)
    return applied


async def _unmoved(run: Run, items: list[Planned]) -> list[Planned]:
    """Skip what the ledger has moved, before OpenTable is asked: a repeated force is quick."""
    ledger = run.connection.services.ledger(run.connection.settings)
    held = await read_statements(ledger, [item.external_key for item in items])
    unmoved = []
    for item in items:
        if held_versions(held[item.external_key]) == item.basis.held:
            unmoved.append(item)
        else:
            run.report.skip(item.external_key, LEDGER_MOVED)
    return unmoved


async def _unmoved_row(run: Run, item: Planned, row: dict[str, Any] | None) -> Change | None:
    """Return OpenTable's row as a change, or skip it and say why."""
    change = None if row is None else await _read(run, item, row)
    if row is not None and change is None:
        return None
    obstacle = item.basis.obstacle(change.version if change else None)
    if obstacle is not None:
        run.report.skip(item.external_key, obstacle)
        return None
    return change


async def _read(run: Run, item: Planned, row: dict[str, Any]) -> Change | None:
    """Return a row as a change; one that cannot be read is kept aside and listed."""
    services, settings, report = run.connection.services, run.connection.settings, run.report
    batch = await read_rows(services, settings, [row], Source.RECONCILIATION)
    report.open_table_count += 1
    if batch.changes:
        report.compared_count += 1
        return batch.changes[0]
    [unreadable] = batch.unreadable
    text = f"OpenTable's row cannot be read ({unreadable.rejection}); see the quarantine."
    is_new = unreadable.kept.is_new
    report.diverge(Divergence.UNREADABLE, item.external_key, text, is_new=is_new)
    return None
