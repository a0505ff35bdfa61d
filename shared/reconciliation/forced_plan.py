"""Some items of a forced plan: held against the present, and carried out or skipped.

The plan of a held report: read back to be carried out, and marked once it was.

Carrying out the plan of a held report, which a person has looked at, against the present.

Each item is asked for by its id and goes through the same ordered apply as everything else; one
that has moved on either side since the plan was made is left alone and listed.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from msgspec import Struct

from shared.analytics.store import recount_analytics
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.backfill import DateWindow
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.reconciliation.compare import (
    LEDGER_CHANGED_REASON,
    PlannedCorrection,
    format_ledger_versions,
    planned_correction_from_map,
)
from shared.domain.reconciliation.report import DivergenceType, ReportStatus
from shared.errors import PlanNotExecutableError
from shared.firestore import paths
from shared.firestore.documents import read_document, translate_firestore_errors
from shared.firestore.leases import Lease, acquire_lease
from shared.ingest.events import normalize_rows
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.reconciliation.compare import ReconciliationRun
from shared.reconciliation.corrections import (
    apply_corrections,
    build_correction_plan,
    flag_findings,
    read_reservation_states,
)
from shared.reconciliation.maintenance import fetch_guests_after_run
from shared.reconciliation.reconcile import fetch_reservations_by_id
from shared.reconciliation.report_store import CONTINUATION_COLLECTION, format_part_id
from shared.reconciliation.run import (
    LEASE_MARGIN_SECONDS,
    create_report,
    run_with_report,
    store_and_log_report,
    summarize_report,
)


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
    plan = await build_correction_plan(open_ledger(context, settings), events, report)
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
    ledger = open_ledger(run.restaurant.context, run.restaurant.settings)
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


MAX_ITEMS_PER_BATCH = 50
_PLANNED_LISTS = ("created", "updated", "cancelled", "missing")
_WRITE_TIMEOUT_SECONDS = 5.0


class HeldPlan(Struct, frozen=True):
    """A plan that nobody has carried out yet.

    Attributes:
        reference: Its report's document.
        report: That document.
    """

    reference: AsyncDocumentReference
    report: Mapping[str, Any]

    @property
    def window(self) -> DateWindow:
        """The days that it is about."""
        first, last = self.report["startDate"], self.report["endDate"]
        return DateWindow(date.fromisoformat(first), date.fromisoformat(last))

    async def read_batches(self) -> AsyncIterator[list[PlannedCorrection]]:
        """Yield its items, `MAX_ITEMS_PER_BATCH` at most at a time, however long it is.

        Raises:
            LedgerUnavailableError: When a part of it cannot be read now.
        """
        for number in range(self.report["parts"]):
            items = [
                planned_correction_from_map(entry)
                for entry in _list_entries(await self._read_part(number))
            ]
            for start in range(0, len(items), MAX_ITEMS_PER_BATCH):
                yield items[start : start + MAX_ITEMS_PER_BATCH]

    async def _read_part(self, number: int) -> Mapping[str, Any]:
        if number == 0:
            return self.report
        part_reference = self.reference.collection(CONTINUATION_COLLECTION).document(
            format_part_id(number)
        )
        return (await read_document(part_reference)).to_dict() or {}

    async def mark_executed(self, report_id: str, now: datetime) -> None:
        """Mark it as carried out.

        Args:
            report_id: The report of the run that did.
            now: The current time, UTC.

        Raises:
            LedgerUnavailableError: When it could not be marked.
        """
        fields = {"executedBy": report_id, "executedAt": now}
        with translate_firestore_errors():
            await self.reference.update(fields, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)


def _list_entries(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for name in _PLANNED_LISTS for entry in part.get(name) or ()]


async def load_held_plan(client: AsyncClient, restaurant_id: str, report_id: str) -> HeldPlan:
    """Return the plan of a held report.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        report_id: The report's.

    Raises:
        ForceRefusedError: When there is no such report, it is not held, or its plan was carried
            out before.
        LedgerUnavailableError: When it cannot be read now.
    """
    reference = paths.reports_collection(client, restaurant_id).document(report_id)
    report = (await read_document(reference)).to_dict()
    if report is None:
        raise PlanNotExecutableError(
            "REPORT_NOT_FOUND", "There is no report of this id: take it from the list of reports."
        )
    if report["status"] != ReportStatus.HELD:
        status = report["status"]
        raise PlanNotExecutableError(
            "NOT_HELD", f"Only the plan of a HELD report can be carried out; this one is {status}."
        )
    if report.get("executedBy"):
        raise PlanNotExecutableError(
            "PLAN_ALREADY_EXECUTED",
            f"This plan was carried out before: see report {report['executedBy']}.",
        )
    return HeldPlan(reference, report)


async def force_held_report(
    context: AppContext, restaurant_id: str, report_id: str, budget_seconds: float
) -> dict[str, Any]:
    """Carry out the plan of a held report.

    A run that fails on its way (see its report's ``reason``) has carried out what it lists; the
    plan may then be forced again for the rest.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        report_id: The held report's.
        budget_seconds: The budget.

    Returns:
        The new report's part of the answer.

    Raises:
        ForceRefusedError: When there is no such plan, or a reconciliation is under way.
        InvalidSettingsError: When the restaurant has no settings.
        LedgerUnavailableError: When Firestore cannot be asked now.
    """
    duration = timedelta(seconds=budget_seconds + LEASE_MARGIN_SECONDS)
    async with acquire_lease(
        context.firestore, context.clock, restaurant_id, "reconciliation", duration
    ) as lease:
        if lease is None:
            raise PlanNotExecutableError(
                "RUN_IN_PROGRESS", "A reconciliation is under way: try again in a few minutes."
            )
        return await _execute_report(context, lease, report_id, Deadline.after(budget_seconds))


async def _execute_report(
    context: AppContext, lease: Lease, report_id: str, deadline: Deadline
) -> dict[str, Any]:
    plan = await load_held_plan(context.firestore, lease.restaurant_id, report_id)
    report = create_report(context, lease.restaurant_id, plan.window, report_id)
    await run_with_report(context, lease, report, deadline, partial(_execute_items, plan))
    await store_and_log_report(context, report)
    if report.status is ReportStatus.COMPLETED:
        await plan.mark_executed(report.report_id, context.clock())
    return summarize_report(report)


async def _execute_items(plan: HeldPlan, run: ReconciliationRun) -> None:
    """Carry the items out, then fetch the guests whom these reservations name."""
    applied = [
        result
        async for items in plan.read_batches()
        for result in await execute_planned_items(run, items)
    ]
    await recount_analytics(run.restaurant, run.report.window)
    await fetch_guests_after_run(run.restaurant, {}, applied)
