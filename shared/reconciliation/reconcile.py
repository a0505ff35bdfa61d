"""Reconcile a window of one restaurant's reservations, from reading both sides to the report.

An incomplete listing corrects nothing. An unlisted reservation is requested by id before it counts
as missing, and a missing one is flagged, never cancelled. A listing with too many changes is not
trusted: its plan is kept in a report with status HELD until a person forces it.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from msgspec import Struct, field

from shared.analytics import add_corrections, create_rollup_builder, store_days
from shared.concurrency import gather_bounded
from shared.domain.analytics import RollupBuilder
from shared.domain.ledger.divergence import DivergenceType, find_open_divergence
from shared.domain.ledger.events import Channel
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.reconciliation.compare import ReservationFingerprint
from shared.domain.reconciliation.held_plan import (
    PlanPrecondition,
    describe_held_plan,
    exceeds_change_limit,
    format_ledger_versions,
)
from shared.domain.reconciliation.report import ReportStatus
from shared.errors import OpenTableError
from shared.guests.erasure import repeat_erasures
from shared.guests.repository import link_guests
from shared.guests.sync import fetch_guests_after_reconciliation, retry_failed_guests
from shared.ingest.events import normalize_or_quarantine_rows
from shared.ledger.ledger import ApplyResult
from shared.opentable.query import ItemReader, OpenTableRow, Resource
from shared.reconciliation.context import (
    ReconciliationContext,
    report_unreadable_document,
    report_unreadable_row,
    report_wrong_time_zone,
)
from shared.reconciliation.corrections import (
    CorrectionPlan,
    apply_corrections,
    build_correction_plan,
    flag_divergences,
    list_planned_corrections,
    read_reservation_states,
    recompute_local_dates,
)
from shared.reconciliation.window import WindowComparison, compare_window

MAX_POLL_GAP = timedelta(days=1)
_MAX_CONCURRENT_FETCHES = 8


class RequestedReservations(Struct):
    """Reservations requested by id, by external key; the absent ones are unknown to OpenTable."""

    rows: dict[str, OpenTableRow] = field(default_factory=dict)
    absent_keys: list[str] = field(default_factory=list)
    errors: dict[str, OpenTableError] = field(default_factory=dict)


async def reconcile_window(run: ReconciliationContext) -> None:
    """Compare both sides of the run's window and correct the ledger; fill the run's report.

    Raises:
        OpenTableError: OpenTable's side could not be read completely; nothing was corrected.
        RunInProgressError: Another run has the lease; nothing was corrected.
    """
    report = run.report

    # Read and compare both sides. The ledger's reservations are counted for analytics on the way.
    rollup_builder = create_rollup_builder(run.restaurant, report.window)
    comparison = await compare_window(run, rollup_builder)
    report.is_compared = True
    report_wrong_time_zone(run, comparison.wrong_zone_count)
    for document_id, error in comparison.unreadable.items():
        report_unreadable_document(run, document_id, str(error))

    if comparison.has_differences():
        await run.lease.ensure_acquired()

    # Plan the corrections from the listing. The ledger is not written yet.
    plan = await build_correction_plan(run, comparison.differing_events.values())
    missing_keys = comparison.list_missing_keys()
    if _must_hold(run, plan, missing_keys):
        # Before any request by id: a faulty listing would cause one for each of its gaps.
        await _hold_plan(run, comparison, plan, missing_keys)
        return

    # Complete the plan: the listing may be behind a webhook, or a reservation has left the window.
    requested = await _add_rows_requested_by_id(run, comparison, plan)
    missing_keys = [key for key in missing_keys if key not in requested.rows]
    if _must_hold(run, plan, missing_keys):
        # The rows requested by id bring corrections too: only the complete plan has all of them.
        await _hold_plan(run, comparison, plan, missing_keys)
        return

    # Apply the plan, or only list it.
    if run.is_dry_run:
        report.status = ReportStatus.DRY_RUN
        list_planned_corrections(plan, report)
    else:
        applied = await apply_corrections(run, plan)
        await recompute_local_dates(run)
        await _update_analytics(run, rollup_builder, comparison, applied)
        await _update_guests(run, comparison.fingerprints, applied)

    # Flag the rest for a person to decide.
    absent_keys = requested.absent_keys + comparison.list_flagged_keys()
    await flag_divergences(run, absent_keys, plan, requested.errors)


def _must_hold(run: ReconciliationContext, plan: CorrectionPlan, missing_keys: list[str]) -> bool:
    """Return whether a plan waits for a person, because it is above the change limit.

    Updates of a first run, or explained by a backlog of polls, do not count: they suggest no faulty
    response.
    """
    update_count = plan.update_count
    if run.is_first:
        update_count = 0
    elif run.cursor is not None and run.report.reconciled_at - run.cursor >= MAX_POLL_GAP:
        # Polls failed for a day or more: changes after the cursor are the backlog.
        update_count = sum(
            correction.is_visible_update and correction.event.version.occurred_at <= run.cursor
            for correction in plan.corrections
        )
    return exceeds_change_limit(run.report.ledger_count or 0, update_count, len(missing_keys))


async def _hold_plan(
    run: ReconciliationContext,
    comparison: WindowComparison,
    plan: CorrectionPlan,
    missing_keys: list[str],
) -> None:
    """List the plan in the report without applying it, with the versions it is based on."""
    report = run.report
    report.status = ReportStatus.HELD
    report.held_rid = run.restaurant.access.rid
    report.reason = describe_held_plan(
        report.ledger_count or 0, plan.update_count, len(missing_keys)
    )
    list_planned_corrections(plan, report)
    # A forced plan compares these versions to skip what has changed since.
    for key, state in (await read_reservation_states(run.ledger, missing_keys)).items():
        open_table_id = comparison.fingerprints[key].open_table_id
        precondition = PlanPrecondition(open_table_id, format_ledger_versions(state), None)
        report.add_missing(key, state, precondition)


async def _add_rows_requested_by_id(
    run: ReconciliationContext, comparison: WindowComparison, plan: CorrectionPlan
) -> RequestedReservations:
    """Request unseen and outdated reservations by id, and add their corrections to the plan.

    A listed row may be outdated because a webhook overtook the listing. If the row requested by
    id is outdated too, OpenTable itself went back to an older version.
    """
    restaurant = run.restaurant
    fingerprints = comparison.fingerprints
    # A few requests that fail in every run must not take the places of the others.
    unseen_keys = sorted(
        comparison.list_unlisted_keys(),
        key=lambda key: fingerprints[key].divergence == DivergenceType.UNREADABLE,
    )
    requested_ids = {key: fingerprints[key].open_table_id for key in unseen_keys}
    already_flagged = []
    for event, state in plan.version_behind:
        if find_open_divergence(state) == DivergenceType.VERSION_BEHIND:
            already_flagged.append((event, state))  # an earlier run has requested it
        else:
            requested_ids[event.external_key] = event.open_table_id
    # The others are decided again below, from the rows requested by id.
    plan.version_behind = already_flagged
    requested = await read_reservations_by_id(run, requested_ids)
    normalized = await normalize_or_quarantine_rows(
        restaurant, requested.rows.values(), Channel.RECONCILIATION
    )
    for row in normalized.unreadable:
        report_unreadable_row(run, row)
    plan.extend(await build_correction_plan(run, normalized.events))
    return requested


async def read_reservations_by_id(
    run: ReconciliationContext, open_table_ids: Mapping[str, str]
) -> RequestedReservations:
    """Request reservations concurrently; the failure of one does not stop the others.

    `open_table_ids` maps external keys to ids as OpenTable or a relay writes them.
    """
    restaurant = run.restaurant
    reader = ItemReader(restaurant.context.opentable, restaurant.access, restaurant.deadline)
    results = await gather_bounded(
        _MAX_CONCURRENT_FETCHES,
        partial(reader.read, Resource.RESERVATIONS),
        open_table_ids.values(),
    )
    requested = RequestedReservations()
    for key, result in zip(open_table_ids, results, strict=True):
        if result is None:
            requested.absent_keys.append(key)
        elif isinstance(result, OpenTableError):
            requested.errors[key] = result
        else:
            requested.rows[key] = result
    return requested


async def _update_analytics(
    run: ReconciliationContext,
    rollup_builder: RollupBuilder,
    comparison: WindowComparison,
    applied: list[ApplyResult],
) -> None:
    outside_days = add_corrections(run.restaurant, rollup_builder, comparison.fingerprints, applied)
    # Only the nightly run reads the stored counts: it repairs days changed by hand.
    known_digests = None if run.covers_full_window else run.analytics_digests
    digests = await store_days(
        run.restaurant, rollup_builder, outside_days, run.lease, known_digests
    )
    if digests is not None:
        digests = {**(known_digests or {}), **digests}
        run.lease.results["reconciliation.analyticsDigests"] = [
            f"{day} {digest}" for day, digest in sorted(digests.items())
        ]


async def _update_guests(
    run: ReconciliationContext,
    fingerprints: dict[str, ReservationFingerprint],
    applied: list[ApplyResult],
) -> None:
    """Repeat links, recent erasures and failed requests, and fetch missing guests."""
    # The previous run could not read these reservations. A change of a guest may not have reached
    # them, because the damage may be in their list of guests.
    links = [
        (key, fingerprint.guest_key)
        for key, fingerprint in fingerprints.items()
        if fingerprint.guest_key is not None
        and build_reservation_document_id(key) in run.unreadable_ids
    ]
    if links:
        await run.lease.ensure_acquired()
        await link_guests(run.restaurant, links, Channel.RECONCILIATION)
    await repeat_erasures(run.restaurant)
    if run.guest_retry_at is not None and run.guest_retry_at <= run.report.reconciled_at:
        await run.lease.ensure_acquired()
        await retry_failed_guests(run.restaurant)
    await fetch_guests_after_reconciliation(run.restaurant, fingerprints, applied)
