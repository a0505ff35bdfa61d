"""Plan the corrections of the ledger, apply them, and list the result in the report.

Some divergences need a person's decision. They are flagged on the reservation instead of
corrected. Each report lists them; only the first report of a divergence raises an alarm.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from google.cloud.firestore import FieldFilter
from msgspec import Struct, field

from shared.concurrency import batched
from shared.domain.ledger.decide import (
    Decision,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    StoredReservation,
    UnreadableDocument,
    VersionConflict,
)
from shared.domain.ledger.divergence import (
    DivergenceType,
    build_divergence_event,
    build_repair_event,
    find_open_divergence,
    find_review_decision,
)
from shared.domain.ledger.document import read_external_key, reservation_state_from_document
from shared.domain.ledger.events import Actor, EventOutcome, ReservationEvent
from shared.domain.ledger.registers import GuestRequired, ReservationState
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.reconciliation.compare import has_drifted
from shared.domain.reconciliation.held_plan import (
    PlanPrecondition,
    format_ledger_versions,
    format_version,
)
from shared.domain.reconciliation.report import ReconciliationReport
from shared.domain.validation import flatten_document
from shared.errors import (
    InvalidEventError,
    OpenTableError,
    OpenTableItemNotRequestedError,
    UnreadableDocumentError,
)
from shared.firestore import paths
from shared.firestore.documents import translate_firestore_errors
from shared.ingest.events import JSON_MEDIA_TYPE
from shared.ledger.ledger import ApplyResult, Ledger, apply_events, decide_group, split_into_groups
from shared.quarantine.store import quarantine_event
from shared.reconciliation.context import (
    ReconciliationContext,
    log_new_divergence,
    report_unreadable_document,
)

_MAX_KEYS_PER_READ = 300
# A local date may differ by a day from the UTC date, in either zone.
_LOCAL_DATE_LOOKBACK = timedelta(days=2)

_DIVERGENCE_REASONS = {
    DivergenceType.MISSING_IN_OPENTABLE: (
        "OpenTable has no reservation with this id. Ask OpenTable whether the party is coming."
    ),
    DivergenceType.VERSION_BEHIND: (
        "OpenTable returned an older version than before. It may have been restored from a "
        "backup. Ask OpenTable which version is right."
    ),
    DivergenceType.CONFLICTING_VERSION: (
        "OpenTable returned different values for the stored version. See the quarantine."
    ),
}


class _Divergence(Struct, frozen=True):
    """A divergence of one reservation, for a person to decide.

    Attributes:
        payload: OpenTable's row, if it conflicts with the stored version.
    """

    type: DivergenceType
    external_key: str
    state: ReservationState
    payload: str | None = None


class Correction(Struct, frozen=True):
    """An event to apply, the write it would make, and the versions the decision is based on."""

    event: ReservationEvent
    write: ReservationWrite
    precondition: PlanPrecondition

    @property
    def is_visible_update(self) -> bool:
        """Whether it changes more of a stored reservation than its local date.

        A new time zone in the settings changes every local date. That is no sign of a faulty
        response.
        """
        changed_fields = self.write.entry["changes"].keys()
        return self.write.outcome is EventOutcome.UPDATED and changed_fields != {"localDate"}


class CorrectionPlan(Struct):
    """OpenTable's rows by the ledger's decision.

    Attributes:
        corrections: Rows to apply.
        version_behind: Rows older than the stored version, with the stored state.
        conflicting: Rows with the stored version and other values, with the stored state.
        unreadable_keys: Rows of damaged documents.
        unchanged_count: Rows equal to the ledger.
    """

    corrections: list[Correction] = field(default_factory=list)
    version_behind: list[tuple[ReservationEvent, ReservationState]] = field(default_factory=list)
    conflicting: list[tuple[ReservationEvent, ReservationState]] = field(default_factory=list)
    unreadable_keys: list[str] = field(default_factory=list)
    unchanged_count: int = 0

    @property
    def update_count(self) -> int:
        """How many corrections would visibly change a stored reservation."""
        return sum(correction.is_visible_update for correction in self.corrections)

    def add(
        self,
        event: ReservationEvent,
        decision: Decision,
        state: ReservationState,
        precondition: PlanPrecondition,
    ) -> None:
        """Add an event by the decision on it."""
        # The ledger would accept an older version for fields without a newer value. Here it means
        # that OpenTable has gone back, which a person has to judge.
        is_behind = event.actor is Actor.OPENTABLE and _is_behind(event, state)
        if isinstance(decision, VersionConflict):
            self.conflicting.append((event, state))
        # Also if the journal has this version: the ledger shows a newer one. A decision that a
        # concurrent change left open is made again too, from the row requested by id.
        elif is_behind or isinstance(decision, JournalEntryRequired | GuestRequired):
            self.version_behind.append((event, state))
        elif isinstance(decision, NoChange):
            self.unchanged_count += 1
        elif isinstance(decision, UnreadableDocument):
            self.unreadable_keys.append(event.external_key)
        else:
            self.corrections.append(Correction(event, decision, precondition))

    def extend(self, other: "CorrectionPlan") -> None:
        """Add the rows of another plan."""
        self.corrections += other.corrections
        self.version_behind += other.version_behind
        self.conflicting += other.conflicting
        self.unreadable_keys += other.unreadable_keys
        self.unchanged_count += other.unchanged_count


def _is_behind(row_event: ReservationEvent, state: ReservationState) -> bool:
    """Return whether a row of OpenTable's is older than the stored version."""
    stored_version = state.get_registers(Actor.OPENTABLE).version
    return stored_version is not None and row_event.version < stored_version


async def build_correction_plan(
    run: ReconciliationContext, events: Iterable[ReservationEvent]
) -> CorrectionPlan:
    """Plan the corrections for OpenTable's rows, at most one per reservation; write nothing."""
    ledger, plan = run.ledger, CorrectionPlan()
    for group in split_into_groups(list(events)):
        write_context = ledger.create_write_context()
        with translate_firestore_errors():
            snapshots, decisions = await decide_group(ledger, group, write_context)
        for event in group:
            key = event.external_key
            stored, decision = snapshots[key].stored, decisions[key]
            if isinstance(decision, UnreadableDocument):
                plan.unreadable_keys.append(key)
                continue  # its state cannot be read either
            flat = flatten_document(stored.document or {})
            state = reservation_state_from_document(flat)
            document_correction = None
            if isinstance(decision, NoChange):
                document_correction = _build_document_correction(run, event, flat, state)
            if document_correction is not None:
                # The id contains this run's report id, so no journal entry can have it yet.
                no_entry = {document_correction.event_id: None}
                stored = StoredReservation(stored.document, no_entry, stored.guests)
                decision = ledger.decide(document_correction, stored, write_context)
            precondition = PlanPrecondition(
                event.open_table_id,
                format_ledger_versions(state),
                format_version(event.version),
            )
            plan.add(document_correction or event, decision, state, precondition)
    return plan


def _build_document_correction(
    run: ReconciliationContext,
    row_event: ReservationEvent,
    flat: Mapping[str, Any],
    state: ReservationState,
) -> ReservationEvent | None:
    """Return an event that corrects the document of a row that is stored already, if needed.

    It repairs a document edited by hand, or clears the flag of a divergence, since OpenTable shows
    the reservation again.
    """
    key, report = row_event.external_key, run.report
    if has_drifted(flat, run.ledger.build_identity(key), state):
        return build_repair_event(key, state, report.report_id, report.reconciled_at)
    if find_open_divergence(state) is not None and not _is_behind(row_event, state):
        return build_divergence_event(key, state, None, report.report_id, report.reconciled_at)
    return None


async def apply_corrections(run: ReconciliationContext, plan: CorrectionPlan) -> list[ApplyResult]:
    """Apply a plan, list the actual writes in the report, and return the accepted changes."""
    restaurant, report = run.restaurant, run.report
    report.unchanged_count += plan.unchanged_count
    applied = []
    events = [correction.event for correction in plan.corrections]
    results = await apply_events(run.ledger, events)
    for correction, result in zip(plan.corrections, results, strict=True):
        key = correction.event.external_key
        if isinstance(result, ApplyResult):
            applied.append(result)
            write = result.write
            if write is None:
                # A webhook or a poll was faster.
                report.unchanged_count += 1
            elif _list_write(report, key, write) and run.expects_webhooks:
                report.missed_webhooks.record(write.entry, restaurant.context.clock())
            continue
        if isinstance(result, InvalidEventError):
            payload = correction.event.payload
            await quarantine_event(restaurant, payload, JSON_MEDIA_TYPE, result)
        # One rejected row does not stop the others.
        is_create = correction.write.is_create
        divergence = DivergenceType.CREATE_FAILED if is_create else DivergenceType.UPDATE_FAILED
        reason = f"The change could not be applied ({result}). The next reconciliation retries it."
        report.add_divergence(divergence, key, reason, is_new=True, state=correction.write.state)
    return applied


def list_planned_corrections(plan: CorrectionPlan, report: ReconciliationReport) -> None:
    """List a plan's changes without applying them."""
    report.unchanged_count += plan.unchanged_count
    for correction in plan.corrections:
        key = correction.event.external_key
        _list_write(report, key, correction.write, correction.precondition)


def _list_write(
    report: ReconciliationReport,
    external_key: str,
    write: ReservationWrite,
    precondition: PlanPrecondition | None = None,
) -> bool:
    """List a write in the report; return False if it changes no visible field."""
    if write.outcome in {EventOutcome.CREATED, EventOutcome.UPDATED}:
        report.add_correction(external_key, write, precondition)
        return True
    report.unchanged_count += 1
    return False


async def recompute_local_dates(run: ReconciliationContext) -> None:
    """Recompute the local dates of coming reservations after a change of the time zone.

    The run has corrected its own window already; this covers the reservations after it.
    """
    restaurant, report = run.restaurant, run.report
    if run.previous_time_zone == restaurant.settings.require_zone().key:
        return
    earliest_start = report.reconciled_at - _LOCAL_DATE_LOOKBACK
    query = paths.reservations_collection(restaurant.firestore, restaurant.id).where(
        filter=FieldFilter("startAtTimestamp", ">=", earliest_start)
    )
    repairs = []
    with translate_firestore_errors():
        async for snapshot in query.stream(retry=None, timeout=restaurant.deadline.remaining()):
            document = snapshot.to_dict() or {}
            flat = flatten_document(document)
            if flat.get("source.system") != "OPENTABLE":
                continue
            try:
                key = read_external_key(snapshot.id, document["source"])
                state = reservation_state_from_document(flat)
            except UnreadableDocumentError as error:
                report_unreadable_document(run, snapshot.id, str(error))
                continue
            if has_drifted(flat, run.ledger.build_identity(key), state):
                repairs.append(
                    build_repair_event(key, state, report.report_id, report.reconciled_at)
                )
    for result in await apply_events(run.ledger, repairs):
        if isinstance(result, ApplyResult) and result.write is not None:
            report.add_correction(result.event.external_key, result.write)


async def read_reservation_states(ledger: Ledger, keys: list[str]) -> dict[str, ReservationState]:
    """Read the stored states of reservations by external key, without damaged documents."""
    states: dict[str, ReservationState] = {}
    for batch in batched(keys, _MAX_KEYS_PER_READ):
        with translate_firestore_errors():
            snapshots = await ledger.repository.read(dict.fromkeys(batch, ()))
        for key, snapshot in snapshots.items():
            flat = flatten_document(snapshot.stored.document or {})
            with suppress(UnreadableDocumentError):
                states[key] = reservation_state_from_document(flat)
    return states


async def flag_divergences(
    run: ReconciliationContext,
    missing_keys: list[str],
    plan: CorrectionPlan,
    errors: Mapping[str, OpenTableError],
) -> None:
    """List the divergences that a person has to decide; flag and log the new ones.

    They are the reservations missing at OpenTable, the failed requests by id (`errors`, by external
    key), and the outdated and conflicting rows of a plan.
    """
    restaurant, report = run.restaurant, run.report
    states = await read_reservation_states(run.ledger, [*missing_keys, *errors])
    damaged_keys = {*missing_keys, *errors} - states.keys()
    for key in sorted(damaged_keys.union(plan.unreadable_keys)):
        report_unreadable_document(run, build_reservation_document_id(key))
    for divergence in _collect_divergences(missing_keys, plan, errors, states):
        key, state = divergence.external_key, divergence.state
        error = errors.get(key)
        reason = _DIVERGENCE_REASONS[divergence.type] if error is None else str(error)
        # The flag on the reservation distinguishes a known divergence from a new one. A request
        # that was not made shows nothing about the reservation.
        is_new = find_open_divergence(state) != divergence.type and not isinstance(
            error, OpenTableItemNotRequestedError
        )
        report.add_divergence(divergence.type, key, reason, is_new=is_new, state=state)
        if not is_new or run.is_dry_run:
            continue
        if divergence.payload is not None:
            rejection = InvalidEventError(divergence.type.value.lower(), reason)
            await quarantine_event(restaurant, divergence.payload, JSON_MEDIA_TYPE, rejection)
        flag = build_divergence_event(
            key, state, divergence.type, report.report_id, report.reconciled_at
        )
        with suppress(InvalidEventError):  # damaged since it was read: the next run reports it
            await run.ledger.apply(flag)
        log_new_divergence(report, divergence.type, key)


def _collect_divergences(
    missing_keys: Iterable[str],
    plan: CorrectionPlan,
    failed_keys: Iterable[str],
    states: Mapping[str, ReservationState],
) -> Iterator[_Divergence]:
    """Yield the divergences of readable reservations; `states` has these by external key."""
    for key in missing_keys:
        # The staff has decided about the others.
        if key in states and find_review_decision(states[key]) is None:
            yield _Divergence(DivergenceType.MISSING_IN_OPENTABLE, key, states[key])
    for key in failed_keys:
        if key in states:
            yield _Divergence(DivergenceType.UNREADABLE, key, states[key])
    for event, state in plan.version_behind:
        yield _Divergence(DivergenceType.VERSION_BEHIND, event.external_key, state)
    for event, state in plan.conflicting:
        divergence = DivergenceType.CONFLICTING_VERSION
        yield _Divergence(divergence, event.external_key, state, event.payload)
