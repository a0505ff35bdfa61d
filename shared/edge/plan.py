"""What a reconciliation would do: rows sorted by what they mean for the ledger, nothing written."""

from collections.abc import Iterable

from google.api_core import exceptions as google
from msgspec import Struct, field

from shared.core.change import Actor, ReservationEvent
from shared.core.comparison import has_drifted
from shared.core.decision import (
    Decision,
    EventOutcome,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    StoredReservation,
    VersionConflict,
)
from shared.core.document import ReservationIdentity, find_open_divergence, flatten_document
from shared.core.findings import build_divergence_event, build_repair_event
from shared.core.guesting import GuestRequired
from shared.core.planned import PlanPrecondition, format_ledger_versions, format_version
from shared.core.report import ReconciliationReport
from shared.core.statements import ReservationState
from shared.core.stored import reservation_state_from_document
from shared.edge.batches import decide_group, split_into_groups
from shared.edge.ledger import Ledger
from shared.errors import ServiceUnavailableError


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
