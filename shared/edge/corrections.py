"""Carrying a reconciliation's plan out, and writing in its report what the ledger really did."""

from shared.core.decision import Commit, Outcome
from shared.core.planned import Basis
from shared.core.report import Divergence, Report
from shared.core.settings import Settings
from shared.edge.batches import apply_all
from shared.edge.intake import JSON
from shared.edge.keeping import keep_aside
from shared.edge.ledger import Applied
from shared.edge.plan import Correction, Plan
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError, RejectedStatementError


async def carry_out(
    services: Services, settings: Settings, plan: Plan, report: Report, *, count_missed: bool
) -> list[Applied]:
    """Apply a plan's corrections; the report's lists come from what the apply did.

    Args:
        services: The process's services.
        settings: The restaurant's.
        plan: What to do.
        report: Where it is written down.
        count_missed: Whether webhooks should have brought what had to be corrected.

    Returns:
        What the ledger took.

    Raises:
        LedgerUnavailableError: When a refused row could not be kept aside.
    """
    changes = [correction.change for correction in plan.corrections]
    results = await apply_all(services.ledger(settings), changes)
    report.unchanged_count += plan.unchanged
    for correction, result in zip(plan.corrections, results, strict=True):
        if not isinstance(result, Applied):
            await _failed(services, settings, correction, result, report)
        elif result.commit is None:
            report.unchanged_count += 1
        elif _list(report, result.change.external_key, result.commit) and count_missed:
            report.missed.note(result.commit.entry, services.clock())
    return [result for result in results if isinstance(result, Applied)]


def list_plan(plan: Plan, report: Report) -> None:
    """List what a plan would do, nothing of it being done."""
    report.unchanged_count += plan.unchanged
    for correction in plan.corrections:
        _list(report, correction.change.external_key, correction.commit, correction.basis)


def _list(report: Report, external_key: str, commit: Commit, basis: Basis | None = None) -> bool:
    """List a correction; False where it changes nothing that anyone sees."""
    if commit.outcome in {Outcome.CREATED, Outcome.UPDATED}:
        report.correct(external_key, commit, basis)
        return True
    report.unchanged_count += 1
    return False


async def _failed(
    services: Services,
    settings: Settings,
    correction: Correction,
    error: RejectedStatementError | LedgerUnavailableError,
    report: Report,
) -> None:
    change = correction.change
    if isinstance(error, RejectedStatementError):
        await keep_aside(services, settings, change.payload, JSON, error)
    kind = Divergence.CREATE_FAILED if correction.commit.creates else Divergence.UPDATE_FAILED
    text = f"The ledger did not take it ({error}); the next reconciliation tries again."
    report.diverge(kind, change.external_key, text, is_new=True)
