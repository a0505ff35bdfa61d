"""Asking OpenTable for single reservations by their ids, several at once.

One restaurant's reconciliation: both sides of a window compared, the ledger corrected.

An incomplete fetch corrects nothing. A reservation that OpenTable's answer lacks is asked for
by its id before it is called missing, and a missing one is flagged, never cancelled. An answer
that would change too much is not believed: its plan is stored, and a person decides.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from shared.analytics.store import create_rollup_builder, update_analytics
from shared.concurrency import gather_all, gather_bounded
from shared.context import RestaurantContext
from shared.domain.analytics.rollup import RollupBuilder
from shared.domain.ledger.events import Channel
from shared.domain.normalization.identifiers import list_id_spellings
from shared.domain.reconciliation.compare import (
    PlanPrecondition,
    ReservationFingerprint,
    exceeds_change_limit,
    format_ledger_versions,
)
from shared.domain.reconciliation.report import DivergenceType, ReportStatus
from shared.ingest.events import normalize_rows
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.ledger.queries import load_ledger_window
from shared.reconciliation.compare import ReconciliationRun, WindowComparison, compare_window
from shared.reconciliation.corrections import (
    CorrectionPlan,
    apply_corrections,
    build_correction_plan,
    flag_findings,
    list_planned_corrections,
    log_new_divergence,
    read_reservation_states,
)
from shared.reconciliation.maintenance import (
    fetch_guests_after_run,
    recompute_local_dates,
    repeat_erasures,
)

_MAX_CONCURRENT_FETCHES = 8


async def fetch_reservations_by_id(
    restaurant: RestaurantContext, open_table_ids: Iterable[str]
) -> list[dict[str, Any] | None]:
    """Return OpenTable's rows of some ids, in their order; None where it has none.

    Args:
        restaurant: To the restaurant's book.
        open_table_ids: As OpenTable writes them, or as a relay named them.

    Raises:
        OpenTableError: When OpenTable could not be asked about one of them.
    """
    return await gather_bounded(
        _MAX_CONCURRENT_FETCHES, partial(_fetch_reservation, restaurant), open_table_ids
    )


async def _fetch_reservation(
    restaurant: RestaurantContext, open_table_id: str
) -> dict[str, Any] | None:
    for spelling in list_id_spellings(open_table_id, restaurant.access.rid):
        row = await restaurant.context.opentable.fetch_reservation(
            restaurant.access, spelling, restaurant.deadline
        )
        if row is not None:
            return row
    return None


MAX_POLL_GAP = timedelta(days=1)


async def reconcile_window(run: ReconciliationRun) -> None:
    """Compare and correct; the run's report tells how it ended.

    Raises:
        OpenTableError: When OpenTable's side could not be read whole; nothing was corrected.
        LedgerUnavailableError: When the ledger's side could not be read.
        InvalidSettingsError: When the credentials cannot be used.
    """
    context, settings, report = run.restaurant.context, run.restaurant.settings, run.report
    rollup_builder = create_rollup_builder(run.restaurant, report.window)
    comparison = await compare_window(run, _load_fingerprints(run, rollup_builder))
    _report_wrong_time_zone(run, comparison)
    plan = await build_correction_plan(
        open_ledger(context, settings), comparison.differing_events.values(), report
    )
    missing_keys = comparison.find_missing()
    if exceeds_change_limit(
        report.ledger_count, _count_suspicious_updates(run, plan), len(missing_keys)
    ):
        report.status = ReportStatus.HELD
        report.reason = (
            f"OpenTable's answer would change {plan.update_count} reservations and lacks "
            f"{len(missing_keys)} of {report.ledger_count}: nothing was changed. Look at the plan "
            "below, and at OpenTable, before it is carried out."
        )
        list_planned_corrections(plan, report)
        await _list_missing(run, comparison, missing_keys)
        return
    absent_keys = [
        *await _fetch_unseen_by_id(run, comparison, plan),
        *comparison.find_already_flagged(),
    ]
    if run.is_dry_run:
        report.status = ReportStatus.DRY_RUN
        list_planned_corrections(plan, report)
        await flag_findings(run, absent_keys, plan)
        return
    applied = await _correct_ledger(run, plan)
    await gather_all(
        _update_guests(run, comparison.fingerprints, applied),
        update_analytics(run.restaurant, rollup_builder, comparison.fingerprints, applied),
    )
    await flag_findings(run, absent_keys, plan)


async def _load_fingerprints(
    run: ReconciliationRun, rollup_builder: RollupBuilder
) -> dict[str, ReservationFingerprint]:
    firestore, deadline = run.restaurant.context.firestore, run.restaurant.deadline
    restaurant_id, window = run.restaurant.settings.restaurant_id, run.report.window
    fingerprints = await load_ledger_window(
        firestore, restaurant_id, window, deadline, rollup_builder
    )
    run.report.ledger_count = sum(
        fingerprint.has_start_time for fingerprint in fingerprints.values()
    )
    return fingerprints


async def _list_missing(
    run: ReconciliationRun, comparison: WindowComparison, keys: list[str]
) -> None:
    """List what the answer lacks, with what a person who carries the plan out will go by."""
    ledger = open_ledger(run.restaurant.context, run.restaurant.settings)
    for key, state in (await read_reservation_states(ledger, keys)).items():
        precondition = PlanPrecondition(
            comparison.fingerprints[key].open_table_id, format_ledger_versions(state), None
        )
        run.report.add_missing(key, precondition)


async def _correct_ledger(run: ReconciliationRun, plan: CorrectionPlan) -> list[ApplyResult]:
    """Carry the plan out; return what the ledger took."""
    context, settings = run.restaurant.context, run.restaurant.settings
    counts_missed_webhooks = run.expects_webhooks
    applied = await apply_corrections(
        context, settings, plan, run.report, counts_missed_webhooks=counts_missed_webhooks
    )
    await recompute_local_dates(run)
    return applied


async def _update_guests(
    run: ReconciliationRun,
    fingerprints: dict[str, ReservationFingerprint],
    applied: list[ApplyResult],
) -> None:
    """Have the guests of what the run touched, and nothing of whoever is forgotten."""
    await repeat_erasures(run.restaurant)
    await fetch_guests_after_run(run.restaurant, fingerprints, applied)


def _report_wrong_time_zone(run: ReconciliationRun, comparison: WindowComparison) -> None:
    """List a zone that OpenTable's own times contradict; the alarm is for the first time."""
    if not comparison.wrong_zone_count:
        return
    is_new = not run.was_time_zone_wrong
    reason = (
        f"{comparison.wrong_zone_count} rows have local times that are not "
        f"{run.restaurant.settings.zone}'s: mend timeZone in the settings."
    )
    run.report.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, reason, is_new=is_new)
    if is_new:
        log_new_divergence(run.report, DivergenceType.WRONG_TIME_ZONE, None)


def _count_suspicious_updates(run: ReconciliationRun, plan: CorrectionPlan) -> int:
    """Count the corrections that speak against the answer.

    A poll that stood still for a day or more leaves a backlog, which is no reason for doubt:
    what changed after its cursor does not count then, and nothing where nothing was level yet.
    """
    cursor = run.cursor
    if run.is_first:
        return 0
    if cursor is None or run.report.reconciled_at - cursor < MAX_POLL_GAP:
        return plan.update_count
    return sum(
        correction.is_visible_update and correction.event.version.occurred_at <= cursor
        for correction in plan.corrections
    )


async def _fetch_unseen_by_id(
    run: ReconciliationRun, comparison: WindowComparison, plan: CorrectionPlan
) -> list[str]:
    """Fetch by id what the answer lacks or shows behind; return what OpenTable does not have.

    What is found joins the plan. A row that is still behind when asked for by its id is so at
    OpenTable, and not for a webhook that overtook the listing.
    """
    behind_ids = {
        event.external_key: str(event.fields["openTableId"]) for event, _ in plan.version_behind
    }
    plan.version_behind.clear()
    unseen_ids = {
        key: comparison.fingerprints[key].open_table_id for key in comparison.find_unseen()
    }
    requested_ids = {**unseen_ids, **behind_ids}
    rows = await fetch_reservations_by_id(run.restaurant, requested_ids.values())
    existing_rows = [row for row in rows if row is not None]
    batch = await normalize_rows(
        run.restaurant.context, run.restaurant.settings, existing_rows, Channel.RECONCILIATION
    )
    ledger = open_ledger(run.restaurant.context, run.restaurant.settings)
    plan.extend(await build_correction_plan(ledger, batch.events, run.report))
    return [key for key, row in zip(requested_ids, rows, strict=True) if row is None]
