"""Execute the plan of a held report after a person has approved it.

Each item is requested again by its id and applied like any other event. Items with a newer change
on either side are skipped and listed.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from shared.analytics import recount_analytics
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.days import DateWindow
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.reconciliation.held_plan import (
    LEDGER_CHANGED_REASON,
    PlannedCorrection,
    format_ledger_versions,
)
from shared.domain.reconciliation.report import ReportStatus
from shared.errors import PlanNotExecutableError
from shared.firestore.leases import acquire_lease
from shared.guests.sync import fetch_guests_after_reconciliation
from shared.ingest.events import normalize_or_quarantine_rows
from shared.ledger.ledger import ApplyResult
from shared.reconciliation.context import (
    ReconciliationContext,
    report_unreadable_document,
    report_unreadable_row,
)
from shared.reconciliation.corrections import (
    apply_corrections,
    build_correction_plan,
    flag_divergences,
    read_reservation_states,
)
from shared.reconciliation.reconcile import RequestedReservations, read_reservations_by_id
from shared.reconciliation.report_store import (
    iterate_planned_corrections,
    mark_plan_executed,
    read_report_document,
)
from shared.reconciliation.run import (
    create_report,
    load_run,
    record_outcome,
    store_and_log_report,
    summarize_report,
)


async def execute_held_plan(
    context: AppContext, restaurant_id: str, report_id: str, budget_seconds: float
) -> dict[str, Any]:
    """Execute the plan of a held report and return the summary of a new report.

    If the run fails on the way, its report lists the corrections so far, and the plan may be
    forced again for the rest.

    Raises:
        PlanNotExecutableError: There is no such plan, or a reconciliation is in progress.
        IntegrationDisabledError: The integration is disabled.
        InvalidSettingsError: The restaurant has no settings.
    """
    deadline = Deadline.after(budget_seconds)
    async with acquire_lease(
        context.firestore, context.clock, restaurant_id, "reconciliation", deadline
    ) as lease:
        if lease is None:
            raise PlanNotExecutableError(
                "RUN_IN_PROGRESS", "A reconciliation is in progress. Try again in a few minutes."
            )
        held, window = await _read_held_plan(context, restaurant_id, report_id)
        held_rid = held.get("heldRid")
        if held_rid is not None and held_rid != lease.document.get("restaurantId"):
            # By the other number, most reservations of the plan would look unknown to OpenTable.
            raise PlanNotExecutableError(
                "NOT_HELD",
                "The restaurant's OpenTable number (rid) changed after this report. The next "
                "reconciliation makes a new plan if one is needed.",
            )
        report = create_report(context, restaurant_id, window, report_id)
        with record_outcome(report):
            run = await load_run(context, lease, report, deadline)
            applied = [
                result
                async for items in iterate_planned_corrections(context.firestore, held)
                for result in await _execute_items(run, items)
            ]
            await recount_analytics(run.restaurant, window)
            await fetch_guests_after_reconciliation(run.restaurant, {}, applied)
        await store_and_log_report(context, report)
        # A failed run may be forced again for the remaining items.
        if report.status is ReportStatus.COMPLETED:
            await mark_plan_executed(context.firestore, held, report.report_id, context.clock())
    return summarize_report(report)


async def _read_held_plan(
    context: AppContext, restaurant_id: str, report_id: str
) -> tuple[Mapping[str, Any], DateWindow]:
    """Return a held report and its days, after a check of everything its execution reads."""
    report = await read_report_document(context.firestore, restaurant_id, report_id)
    if report is None:
        raise PlanNotExecutableError(
            "REPORT_NOT_FOUND", "No report has this id. Choose one from the list of reports."
        )
    if report.get("status") != ReportStatus.HELD:
        raise PlanNotExecutableError(
            "NOT_HELD",
            f"This report is {report.get('status')}. Only the plan of a HELD report can be forced.",
        )
    if report.get("executedBy"):
        raise PlanNotExecutableError(
            "PLAN_ALREADY_EXECUTED",
            f"This plan was executed already: see report {report['executedBy']}.",
        )
    window = None
    with suppress(KeyError, TypeError, ValueError):
        window = DateWindow(
            date.fromisoformat(report["startDate"]), date.fromisoformat(report["endDate"])
        )
    parts = report.get("parts")
    if window is None or not isinstance(parts, int) or parts < 1:
        raise PlanNotExecutableError(
            "NOT_HELD",
            "This report is damaged, so its plan cannot be executed. The next reconciliation makes "
            "a new one.",
        )
    # The id of the path: a field edited by hand must not lead to another restaurant.
    return {**report, "restaurantId": restaurant_id}, window


async def _execute_items(
    run: ReconciliationContext, items: Sequence[PlannedCorrection]
) -> list[ApplyResult]:
    """Apply the items without a newer change on either side; return the accepted changes."""
    # The ledger first: when a plan is forced again, OpenTable is asked for the rest only.
    states = await read_reservation_states(run.ledger, [item.external_key for item in items])
    unchanged = []
    for item in items:
        state = states.get(item.external_key)
        if state is None:
            report_unreadable_document(run, build_reservation_document_id(item.external_key))
        elif format_ledger_versions(state) == item.precondition.ledger_versions:
            unchanged.append(item)
        else:
            run.report.add_skipped(item.external_key, state, LEDGER_CHANGED_REASON)
    requested = await read_reservations_by_id(
        run, {item.external_key: item.precondition.open_table_id for item in unchanged}
    )
    if requested.errors:
        # If OpenTable refuses a listing too, the credential is the cause and not these items: the
        # run fails, and the plan can be forced again.
        restaurant = run.restaurant
        await restaurant.context.opentable.probe_listing(restaurant.access, restaurant.deadline)
    events = await _select_unchanged_rows(run, unchanged, states, requested)
    absent_keys = [
        item.external_key
        for item in unchanged
        # Missing both in the held listing and by id: it is flagged, not skipped.
        if item.external_key in requested.absent_keys
        and item.precondition.opentable_version is None
    ]
    plan = await build_correction_plan(run, events)
    applied = await apply_corrections(run, plan)
    await flag_divergences(run, absent_keys, plan, requested.errors)
    return applied


async def _select_unchanged_rows(
    run: ReconciliationContext,
    items: list[PlannedCorrection],
    states: Mapping[str, ReservationState],
    requested: RequestedReservations,
) -> list[ReservationEvent]:
    """Return the events of the items in the planned version; list the others as skipped."""
    restaurant, report = run.restaurant, run.report
    events: list[ReservationEvent] = []
    for item in items:
        key, event = item.external_key, None
        if key in requested.errors:
            continue
        row = requested.rows.get(key)
        if row is not None:
            batch = await normalize_or_quarantine_rows(restaurant, [row], Channel.RECONCILIATION)
            report.open_table_count += 1
            report.compared_count += len(batch.events)
            if batch.unreadable:
                report_unreadable_row(run, batch.unreadable[0])
                continue
            [event] = batch.events
        elif item.precondition.opentable_version is None:
            continue
        skip_reason = item.precondition.skip_reason(event.version if event else None)
        if skip_reason is not None:
            report.add_skipped(key, states[key], skip_reason)
        elif event is not None:
            events.append(event)
    return events
