"""What a reconciliation would do: rows sorted by what they mean for the ledger, nothing written.

Carrying a reconciliation's plan out, and writing in its report what the ledger really did.

What reconciliation found and may not correct: listed each time, flagged and alarmed once.
"""

from collections.abc import Iterable, Iterator, Mapping

from google.api_core import exceptions as google
from msgspec import Struct, field

from shared.context import AppContext
from shared.domain.ledger.decide import (
    Decision,
    EventOutcome,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    StoredReservation,
    VersionConflict,
)
from shared.domain.ledger.document import (
    ReservationIdentity,
    find_open_divergence,
    flatten_document,
)
from shared.domain.ledger.events import Actor, ReservationEvent
from shared.domain.ledger.merge import GuestRequired
from shared.domain.ledger.registers import ReservationState, reservation_state_from_document
from shared.domain.reconciliation.compare import (
    PlanPrecondition,
    format_ledger_versions,
    format_version,
    has_drifted,
)
from shared.domain.reconciliation.report import (
    DivergenceType,
    ReconciliationReport,
    build_divergence_event,
    build_repair_event,
)
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.ingest.events import JSON_MEDIA_TYPE
from shared.ledger.batch import apply_events, decide_group, split_into_groups
from shared.ledger.ledger import ApplyResult, Ledger, open_ledger
from shared.log import LogEvent, Severity, log_event
from shared.quarantine.store import quarantine_event
from shared.reconciliation.compare import ReconciliationRun


class Correction(Struct, frozen=True):
    """A change that would make the ledger agree with OpenTable.

    Attributes:
        event: What to apply.
        write: What that would write.
        precondition: What it goes by.
    """

    event: ReservationEvent
    write: ReservationWrite
    precondition: PlanPrecondition

    @property
    def is_visible_update(self) -> bool:
        """Whether it would change what a reservation that is held shows.

        A local date alone moves by the settings' zone, which says nothing against the answer.
        """
        changed_fields = self.write.entry["changes"].keys()
        return self.write.outcome is EventOutcome.UPDATED and changed_fields != {"localDate"}


class CorrectionPlan(Struct):
    """Rows, by what they mean.

    Attributes:
        corrections: The ledger lacks them, or shows something else.
        version_behind: OpenTable shows a lower version than is held, with what is held.
        conflicting: They say something else than was held at the very same version.
        unchanged: How many the ledger showed already.
    """

    corrections: list[Correction] = field(default_factory=list)
    version_behind: list[tuple[ReservationEvent, ReservationState]] = field(default_factory=list)
    conflicting: list[tuple[ReservationEvent, ReservationState]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def update_count(self) -> int:
        """How many corrections would change a reservation that is held."""
        return sum(correction.is_visible_update for correction in self.corrections)

    def classify(
        self,
        event: ReservationEvent,
        decision: Decision,
        state: ReservationState,
        precondition: PlanPrecondition,
    ) -> None:
        """Take up a row by what was decided on it.

        Args:
            event: The row, or what amends it.
            decision: The ledger's judgement.
            state: All that is held about the reservation.
            precondition: What the judgement goes by.
        """
        if isinstance(decision, NoChange):
            self.unchanged += 1
        elif isinstance(decision, VersionConflict):
            self.conflicting.append((event, state))
        elif isinstance(decision, JournalEntryRequired | GuestRequired) or _is_behind(event, state):
            self.version_behind.append((event, state))
        else:
            self.corrections.append(Correction(event, decision, precondition))

    def extend(self, other: "CorrectionPlan") -> None:
        """Take another plan's rows in."""
        self.corrections += other.corrections
        self.version_behind += other.version_behind
        self.conflicting += other.conflicting
        self.unchanged += other.unchanged


def _is_behind(event: ReservationEvent, state: ReservationState) -> bool:
    highest_version = state.get_registers(Actor.OPENTABLE).version
    by_open_table = event.actor is Actor.OPENTABLE
    return by_open_table and highest_version is not None and event.version < highest_version


async def build_correction_plan(
    ledger: Ledger, events: Iterable[ReservationEvent], report: ReconciliationReport
) -> CorrectionPlan:
    """Judge rows against the ledger without writing anything.

    Args:
        ledger: The restaurant's ledger.
        events: OpenTable's rows, no two of one reservation.
        report: The run's; its id names the repairs.

    Raises:
        LedgerUnavailableError: When the ledger could not be read.
    """
    plan = CorrectionPlan()
    for group in split_into_groups(list(events)):
        write_context = ledger.new_write_context()
        try:
            snapshots, decisions = await decide_group(ledger, group, write_context)
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        for event in group:
            key = event.external_key
            stored, decision = snapshots[key].stored, decisions[key]
            amendment = isinstance(decision, NoChange) and _find_amendment(
                ledger.build_identity(key), stored, report
            )
            if amendment:
                refreshed = StoredReservation(
                    stored.document, {amendment.event_id: None}, stored.guests
                )
                decision = ledger.decide(amendment, refreshed, write_context)
            state = reservation_state_from_document(flatten_document(stored.document or {}))
            plan.classify(amendment or event, decision, state, _build_precondition(event, state))
    return plan


def _build_precondition(row: ReservationEvent, state: ReservationState) -> PlanPrecondition:
    return PlanPrecondition(
        str(row.fields["openTableId"]), format_ledger_versions(state), format_version(row.version)
    )


def _find_amendment(
    identity: ReservationIdentity, stored: StoredReservation, report: ReconciliationReport
) -> ReservationEvent | None:
    """Return what a row held already still calls for: a repair, the end of a flag, or nothing."""
    flat = flatten_document(stored.document or {})
    state = reservation_state_from_document(flat)
    if has_drifted(flat, identity, state):
        key, now = identity.external_key, report.reconciled_at
        return build_repair_event(key, state, report.report_id, now)
    if find_open_divergence(state) is not None:
        key, now = identity.external_key, report.reconciled_at
        return build_divergence_event(key, state, None, report.report_id, now)
    return None


async def apply_corrections(
    context: AppContext,
    settings: IntegrationSettings,
    plan: CorrectionPlan,
    report: ReconciliationReport,
    *,
    counts_missed_webhooks: bool,
) -> list[ApplyResult]:
    """Apply a plan's corrections; the report's lists come from what the apply did.

    Args:
        context: The process's services.
        settings: The restaurant's.
        plan: What to do.
        report: Where it is written down.
        counts_missed_webhooks: Whether webhooks should have brought what had to be corrected.

    Returns:
        What the ledger took.

    Raises:
        LedgerUnavailableError: When a refused row could not be kept aside.
    """
    events = [correction.event for correction in plan.corrections]
    results = await apply_events(open_ledger(context, settings), events)
    report.unchanged_count += plan.unchanged
    for correction, result in zip(plan.corrections, results, strict=True):
        if not isinstance(result, ApplyResult):
            await _report_failure(context, settings, correction, result, report)
        elif result.write is None:
            report.unchanged_count += 1
        elif (
            _list_write(report, result.event.external_key, result.write) and counts_missed_webhooks
        ):
            report.missed_webhooks.record(result.write.entry, context.clock())
    return [result for result in results if isinstance(result, ApplyResult)]


def list_planned_corrections(plan: CorrectionPlan, report: ReconciliationReport) -> None:
    """List what a plan would do, nothing of it being done."""
    report.unchanged_count += plan.unchanged
    for correction in plan.corrections:
        _list_write(
            report, correction.event.external_key, correction.write, correction.precondition
        )


def _list_write(
    report: ReconciliationReport,
    external_key: str,
    write: ReservationWrite,
    precondition: PlanPrecondition | None = None,
) -> bool:
    """List a correction; False where it changes nothing that anyone sees."""
    if write.outcome in {EventOutcome.CREATED, EventOutcome.UPDATED}:
        report.add_correction(external_key, write, precondition)
        return True
    report.unchanged_count += 1
    return False


async def _report_failure(
    context: AppContext,
    settings: IntegrationSettings,
    correction: Correction,
    error: InvalidEventError | ServiceUnavailableError,
    report: ReconciliationReport,
) -> None:
    event = correction.event
    if isinstance(error, InvalidEventError):
        await quarantine_event(context, settings, event.payload, JSON_MEDIA_TYPE, error)
    kind = (
        DivergenceType.CREATE_FAILED if correction.write.is_create else DivergenceType.UPDATE_FAILED
    )
    text = f"The ledger did not take it ({error}); the next reconciliation tries again."
    report.add_divergence(kind, event.external_key, text, is_new=True)


_REASONS = {
    DivergenceType.MISSING_IN_OPENTABLE: (
        "OpenTable has no reservation of this id: ask OpenTable whether the party still comes."
    ),
    DivergenceType.VERSION_BEHIND: (
        "OpenTable shows an older version than it once said: it may have been restored from a "
        "backup; ask OpenTable which one holds."
    ),
    DivergenceType.CONFLICTING_VERSION: (
        "OpenTable says something else at the very version that is held; see the quarantine."
    ),
}

_MAX_KEYS_PER_READ = 300


class DivergenceFinding(Struct, frozen=True):
    """A divergence on one reservation.

    Attributes:
        external_key: The reservation's.
        divergence: What is wrong.
        state: All that is held about it.
        payload: The row at fault, to be kept aside; None where no row is.
    """

    external_key: str
    divergence: DivergenceType
    state: ReservationState
    payload: str | None = None


async def read_reservation_states(ledger: Ledger, keys: list[str]) -> dict[str, ReservationState]:
    """Read all that is held about some reservations.

    Raises:
        LedgerUnavailableError: When it could not be read.
    """
    states: dict[str, ReservationState] = {}
    for start in range(0, len(keys), _MAX_KEYS_PER_READ):
        entry_ids = dict.fromkeys(keys[start : start + _MAX_KEYS_PER_READ], ())
        try:
            snapshots = await ledger.repository.read(entry_ids)
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        for key, snapshot in snapshots.items():
            states[key] = reservation_state_from_document(
                flatten_document(snapshot.stored.document or {})
            )
    return states


async def flag_findings(
    run: ReconciliationRun, missing_keys: list[str], plan: CorrectionPlan
) -> None:
    """List and flag what is left for a person once all corrections are known.

    Args:
        run: The run.
        missing_keys: The keys of what is held and OpenTable does not have.
        plan: What was found and could not be carried out.

    Raises:
        LedgerUnavailableError: When something could not be read, flagged or kept aside.
    """
    context, settings = run.restaurant.context, run.restaurant.settings
    states = await read_reservation_states(open_ledger(context, settings), missing_keys)
    for finding in (*_build_missing_findings(states), *_build_version_findings(plan)):
        await _flag_finding(context, settings, finding, run.report, is_dry_run=run.is_dry_run)


def _build_missing_findings(states: Mapping[str, ReservationState]) -> Iterator[DivergenceFinding]:
    for key, state in states.items():
        yield DivergenceFinding(key, DivergenceType.MISSING_IN_OPENTABLE, state)


def _build_version_findings(plan: CorrectionPlan) -> Iterator[DivergenceFinding]:
    for event, state in plan.version_behind:
        yield DivergenceFinding(event.external_key, DivergenceType.VERSION_BEHIND, state)
    for event, state in plan.conflicting:
        kind = DivergenceType.CONFLICTING_VERSION
        yield DivergenceFinding(event.external_key, kind, state, event.payload)


async def _flag_finding(
    context: AppContext,
    settings: IntegrationSettings,
    finding: DivergenceFinding,
    report: ReconciliationReport,
    *,
    is_dry_run: bool,
) -> None:
    """List a divergence; a new one is flagged on the reservation and raises an alarm."""
    kind = finding.divergence
    is_new = find_open_divergence(finding.state) != kind
    report.add_divergence(kind, finding.external_key, _REASONS[kind], is_new=is_new)
    if not is_new or is_dry_run:
        return
    if finding.payload is not None:
        rejection = InvalidEventError(kind.value.lower(), _REASONS[kind])
        await quarantine_event(context, settings, finding.payload, JSON_MEDIA_TYPE, rejection)
    flag = build_divergence_event(
        finding.external_key, finding.state, kind, report.report_id, report.reconciled_at
    )
    await open_ledger(context, settings).apply(flag)
    log_new_divergence(report, kind, finding.external_key)


def log_new_divergence(
    report: ReconciliationReport, kind: DivergenceType, external_key: str | None
) -> None:
    """Log a divergence that no earlier report had."""
    log_event(
        Severity.ERROR,
        LogEvent.RECONCILIATION_DIVERGENCE,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        type=kind.value,
        externalId=external_key,
    )
