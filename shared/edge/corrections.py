"""Carrying a reconciliation's plan out, and writing in its report what the ledger really did."""

from shared.core.decision import EventOutcome, ReservationWrite
from shared.core.planned import PlanPrecondition
from shared.core.report import DivergenceType, ReconciliationReport
from shared.core.settings import IntegrationSettings
from shared.edge.batches import apply_events
from shared.edge.intake import JSON_MEDIA_TYPE
from shared.edge.keeping import quarantine_event
from shared.edge.ledger import ApplyResult
from shared.edge.plan import Correction, CorrectionPlan
from shared.edge.services import AppContext
from shared.errors import InvalidEventError, ServiceUnavailableError


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
    results = await apply_events(context.ledger(settings), events)
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
