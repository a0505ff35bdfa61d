"""Some items of a forced plan: held against the present, and carried out or skipped."""

from typing import Any

from shared.core.change import Channel, ReservationEvent
from shared.core.planned import LEDGER_CHANGED_REASON, PlannedCorrection, format_ledger_versions
from shared.core.report import DivergenceType
from shared.edge.by_id import fetch_reservations_by_id
from shared.edge.corrections import apply_corrections
from shared.edge.divergences import flag_findings, read_reservation_states
from shared.edge.ledger import ApplyResult
from shared.edge.plan import build_correction_plan
from shared.edge.rows import normalize_rows
from shared.edge.run import ReconciliationRun


async def execute_planned_items(
    run: ReconciliationRun, items: list[PlannedCorrection]
) -> list[ApplyResult]:
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
    context, settings, report = run.restaurant.context, run.restaurant.settings, run.report
    unchanged = await _select_unchanged_in_ledger(run, items)
    rows = await fetch_reservations_by_id(
        run.restaurant, [item.precondition.open_table_id for item in unchanged]
    )
    events: list[ReservationEvent] = []
    absent_keys: list[str] = []
    for item, row in zip(unchanged, rows, strict=True):
        if row is None and item.precondition.opentable_version is None:
            absent_keys.append(item.external_key)
        elif event := await _normalize_or_skip_row(run, item, row):
            events.append(event)
    plan = await build_correction_plan(context.ledger(settings), events, report)
    counts_missed_webhooks = run.expects_webhooks
    applied = await apply_corrections(
        context, settings, plan, report, counts_missed_webhooks=counts_missed_webhooks
    )
    await flag_findings(run, absent_keys, plan)
    return applied


async def _select_unchanged_in_ledger(
    run: ReconciliationRun, items: list[PlannedCorrection]
) -> list[PlannedCorrection]:
    """Skip what the ledger has moved, before OpenTable is asked: a repeated force is quick."""
    ledger = run.restaurant.context.ledger(run.restaurant.settings)
    states = await read_reservation_states(ledger, [item.external_key for item in items])
    unchanged = []
    for item in items:
        if format_ledger_versions(states[item.external_key]) == item.precondition.ledger_versions:
            unchanged.append(item)
        else:
            run.report.add_skipped(item.external_key, LEDGER_CHANGED_REASON)
    return unchanged


async def _normalize_or_skip_row(
    run: ReconciliationRun, item: PlannedCorrection, row: dict[str, Any] | None
) -> ReservationEvent | None:
    """Return OpenTable's row as a change, or skip it and say why."""
    event = None if row is None else await _normalize_row(run, item, row)
    if row is not None and event is None:
        return None
    obstacle = item.precondition.skip_reason(event.version if event else None)
    if obstacle is not None:
        run.report.add_skipped(item.external_key, obstacle)
        return None
    return event


async def _normalize_row(
    run: ReconciliationRun, item: PlannedCorrection, row: dict[str, Any]
) -> ReservationEvent | None:
    """Return a row as a change; one that cannot be read is kept aside and listed."""
    context, settings, report = run.restaurant.context, run.restaurant.settings, run.report
    batch = await normalize_rows(context, settings, [row], Channel.RECONCILIATION)
    report.open_table_count += 1
    if batch.events:
        report.compared_count += 1
        return batch.events[0]
    [unreadable] = batch.unreadable
    text = f"OpenTable's row cannot be read ({unreadable.rejection}); see the quarantine."
    is_new = unreadable.entry.is_new
    report.add_divergence(DivergenceType.UNREADABLE, item.external_key, text, is_new=is_new)
    return None
