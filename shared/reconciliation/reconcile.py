"""Reconcile a window of one restaurant's reservations, from reading both sides to the report.

An incomplete listing corrects nothing. An unlisted reservation is requested by id before it counts
as missing, and a missing one is flagged, never cancelled. A listing with too many changes is not
trusted: its plan is kept in a report with status HELD until a person forces it.
"""

from datetime import timedelta

from shared.analytics.store import create_rollup_builder, update_analytics
from shared.concurrency import gather_all
from shared.domain.ledger.events import Channel
from shared.domain.reconciliation.compare import (
    PlanPrecondition,
    ReservationFingerprint,
    exceeds_change_limit,
    format_ledger_versions,
)
from shared.domain.reconciliation.report import DivergenceType, ReportStatus
from shared.guests.erasure import repeat_erasures
from shared.guests.sync import fetch_guests_after_reconciliation
from shared.ingest.events import normalize_rows
from shared.ledger.ledger import ApplyResult
from shared.reconciliation.compare import (
    ReconciliationRun,
    WindowComparison,
    compare_window,
    fetch_reservations_by_id,
)
from shared.reconciliation.corrections import (
    CorrectionPlan,
    apply_corrections,
    build_correction_plan,
    flag_divergences,
    list_planned_corrections,
    log_new_divergence,
    read_reservation_states,
    recompute_local_dates,
)

MAX_POLL_GAP = timedelta(days=1)


async def reconcile_window(run: ReconciliationRun) -> None:
    """Compare both sides of the run's window and correct the ledger; fill the run's report.

    Raises:
        OpenTableError: OpenTable's side could not be read completely; nothing was corrected.
    """
    report = run.report

    # Read and compare both sides. The ledger's reservations are counted for analytics on the way.
    rollup_builder = create_rollup_builder(run.restaurant, report.window)
    comparison = await compare_window(run, rollup_builder)
    _report_wrong_time_zone(run, comparison.wrong_zone_count)

    # Plan the corrections. The ledger is not written yet.
    plan = await build_correction_plan(run, comparison.differing_events.values())

    # Hold the plan if it would change or miss too much.
    missing_keys = comparison.find_missing()
    update_count = _count_suspicious_updates(run, plan)
    if exceeds_change_limit(report.ledger_count, update_count, len(missing_keys)):
        await _hold_plan(run, comparison, plan, missing_keys)
        return

    # Request missing and outdated reservations by id: the listing may be behind a webhook.
    absent_keys = await _fetch_unseen_by_id(run, comparison, plan)
    absent_keys += comparison.find_already_flagged()

    # Apply the plan, or only list it.
    if run.is_dry_run:
        report.status = ReportStatus.DRY_RUN
        list_planned_corrections(plan, report)
    else:
        applied = await apply_corrections(run, plan)
        await recompute_local_dates(run)
        await gather_all(
            _update_guests(run, comparison.fingerprints, applied),
            update_analytics(run.restaurant, rollup_builder, comparison.fingerprints, applied),
        )

    # Flag the rest for a person to decide.
    await flag_divergences(run, absent_keys, plan)


def _report_wrong_time_zone(run: ReconciliationRun, wrong_zone_count: int) -> None:
    """List rows whose times contradict the restaurant's zone; log them the first time."""
    if not wrong_zone_count:
        return
    report, is_new = run.report, not run.was_time_zone_wrong
    reason = (
        f"{wrong_zone_count} rows have local times that do not match "
        f"{run.restaurant.settings.zone}. Correct timeZone in the settings."
    )
    report.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, reason, is_new=is_new)
    if is_new:
        log_new_divergence(report, DivergenceType.WRONG_TIME_ZONE, None)


def _count_suspicious_updates(run: ReconciliationRun, plan: CorrectionPlan) -> int:
    """Count the updates not explained by a backlog of polls: they suggest a faulty listing."""
    if run.cursor is None:
        # Before the first poll and reconciliation, many differences are normal.
        return 0 if run.previous_time_zone is None else plan.update_count
    if run.report.reconciled_at - run.cursor < MAX_POLL_GAP:
        return plan.update_count
    # Polls failed for a day or more: changes after the cursor are the backlog.
    return sum(
        correction.is_visible_update and correction.event.version.occurred_at <= run.cursor
        for correction in plan.corrections
    )


async def _hold_plan(
    run: ReconciliationRun,
    comparison: WindowComparison,
    plan: CorrectionPlan,
    missing_keys: list[str],
) -> None:
    """List the plan in the report without applying it, with the versions it is based on."""
    report = run.report
    report.status = ReportStatus.HELD
    report.reason = (
        f"OpenTable's listing would change {plan.update_count} reservations and lacks "
        f"{len(missing_keys)} of {report.ledger_count}. Nothing was changed. Compare the plan "
        "below with OpenTable before you force it."
    )
    list_planned_corrections(plan, report)
    for key, state in (await read_reservation_states(run.ledger, missing_keys)).items():
        opentable_id = comparison.fingerprints[key].open_table_id
        report.add_missing(key, PlanPrecondition(opentable_id, format_ledger_versions(state), None))


async def _fetch_unseen_by_id(
    run: ReconciliationRun, comparison: WindowComparison, plan: CorrectionPlan
) -> list[str]:
    """Request unseen and outdated reservations by id and add the rows to the plan.

    A listed row may be outdated because a webhook overtook the listing. If the row requested by
    id is outdated too, OpenTable itself went back to an older version.

    Returns:
        The keys of the reservations unknown to OpenTable.
    """
    requested_ids = {
        key: comparison.fingerprints[key].open_table_id for key in comparison.find_unseen()
    } | {event.external_key: str(event.fields["openTableId"]) for event, _ in plan.version_behind}
    plan.version_behind.clear()
    rows = await fetch_reservations_by_id(run.restaurant, requested_ids.values())
    batch = await normalize_rows(
        run.restaurant.context,
        run.restaurant.settings,
        [row for row in rows if row is not None],
        Channel.RECONCILIATION,
    )
    plan.extend(await build_correction_plan(run, batch.events))
    return [key for key, row in zip(requested_ids, rows, strict=True) if row is None]


async def _update_guests(
    run: ReconciliationRun,
    fingerprints: dict[str, ReservationFingerprint],
    applied: list[ApplyResult],
) -> None:
    """Repeat recent erasures, then fetch the guests without a record."""
    await repeat_erasures(run.restaurant)
    await fetch_guests_after_reconciliation(run.restaurant, fingerprints, applied)
