"""What a reconciliation would do: rows sorted by what they mean for the ledger, nothing written."""

from collections.abc import Iterable

from google.api_core import exceptions as google
from msgspec import Struct, field

from shared.core.change import Change, Speaker
from shared.core.comparison import drift
from shared.core.decision import (
    AlreadyHeld,
    Commit,
    Contradiction,
    Decision,
    EntryNeeded,
    Held,
    Outcome,
)
from shared.core.document import Identity, flatten, standing_divergence
from shared.core.findings import flagged, repaired
from shared.core.guesting import GuestNeeded
from shared.core.planned import Basis, held_versions, version_text
from shared.core.report import Report
from shared.core.statements import Statements
from shared.core.stored import statements_of
from shared.edge.batches import decide_group, groups
from shared.edge.ledger import Ledger
from shared.errors import LedgerUnavailableError


class Correction(Struct, frozen=True):
    """A change that would make the ledger agree with OpenTable.

    Attributes:
        change: What to apply.
        commit: What that would write.
        basis: What it goes by.
    """

    change: Change
    commit: Commit
    basis: Basis

    @property
    def changes_held(self) -> bool:
        """Whether it would change what a reservation that is held shows.

        A local date alone moves by the settings' zone, which says nothing against the answer.
        """
        moved = self.commit.entry["changes"].keys()
        return self.commit.outcome is Outcome.UPDATED and moved != {"localDate"}


class Plan(Struct):
    """Rows, by what they mean.

    Attributes:
        corrections: The ledger lacks them, or shows something else.
        behind: OpenTable shows a lower version than is held, with what is held.
        contradicting: They say something else than was held at the very same version.
        unchanged: How many the ledger showed already.
    """

    corrections: list[Correction] = field(default_factory=list)
    behind: list[tuple[Change, Statements]] = field(default_factory=list)
    contradicting: list[tuple[Change, Statements]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def updates(self) -> int:
        """How many corrections would change a reservation that is held."""
        return sum(correction.changes_held for correction in self.corrections)

    def sort(self, change: Change, decision: Decision, held: Statements, basis: Basis) -> None:
        """Take up a row by what was decided on it.

        Args:
            change: The row, or what amends it.
            decision: The ledger's judgement.
            held: All that is held about the reservation.
            basis: What the judgement goes by.
        """
        if isinstance(decision, AlreadyHeld):
            self.unchanged += 1
        elif isinstance(decision, Contradiction):
            self.contradicting.append((change, held))
        elif isinstance(decision, EntryNeeded | GuestNeeded) or _is_behind(change, held):
            self.behind.append((change, held))
        else:
            self.corrections.append(Correction(change, decision, basis))

    def join(self, other: "Plan") -> None:
        """Take another plan's rows in."""
        self.corrections += other.corrections
        self.behind += other.behind
        self.contradicting += other.contradicting
        self.unchanged += other.unchanged


def _is_behind(change: Change, held: Statements) -> bool:
    highest = held.register(Speaker.OPENTABLE).version
    by_open_table = change.speaker is Speaker.OPENTABLE
    return by_open_table and highest is not None and change.version < highest


async def make_plan(ledger: Ledger, changes: Iterable[Change], report: Report) -> Plan:
    """Judge rows against the ledger without writing anything.

    Args:
        ledger: The restaurant's ledger.
        changes: OpenTable's rows, no two of one reservation.
        report: The run's; its id names the repairs.

    Raises:
        LedgerUnavailableError: When the ledger could not be read.
    """
    plan = Plan()
    for group in groups(list(changes)):
        writing = ledger.writing()
        try:
            readings, decisions = await decide_group(ledger, group, writing)
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        for change in group:
            key = change.external_key
            held, decision = readings[key].held, decisions[key]
            amends = isinstance(decision, AlreadyHeld) and _amendment(
                ledger.identity(key), held, report
            )
            if amends:
                fresh = Held(held.document, {amends.event_id: None}, held.guests)
                decision = ledger.decide(amends, fresh, writing)
            statements = statements_of(flatten(held.document or {}))
            plan.sort(amends or change, decision, statements, _basis(change, statements))
    return plan


def _basis(row: Change, held: Statements) -> Basis:
    return Basis(str(row.said["openTableId"]), held_versions(held), version_text(row.version))


def _amendment(identity: Identity, held: Held, report: Report) -> Change | None:
    """Return what a row held already still calls for: a repair, the end of a flag, or nothing."""
    flat = flatten(held.document or {})
    statements = statements_of(flat)
    if drift(flat, identity, statements):
        key, now = identity.external_key, report.reconciled_at
        return repaired(key, statements, report.report_id, now)
    if standing_divergence(statements) is not None:
        key, now = identity.external_key, report.reconciled_at
        return flagged(key, statements, None, report.report_id, now)
    return None
