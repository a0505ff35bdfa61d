"""What reconciliation found and may not correct: listed each time, flagged and alarmed once."""

from collections.abc import Iterator, Mapping

from google.api_core import exceptions as google
from msgspec import Struct

from shared.core.document import find_open_divergence, flatten_document
from shared.core.findings import build_divergence_event
from shared.core.report import DivergenceType, ReconciliationReport
from shared.core.settings import IntegrationSettings
from shared.core.statements import ReservationState
from shared.core.stored import reservation_state_from_document
from shared.edge.intake import JSON_MEDIA_TYPE
from shared.edge.keeping import quarantine_event
from shared.edge.ledger import Ledger
from shared.edge.plan import CorrectionPlan
from shared.edge.run import ReconciliationRun
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import InvalidEventError, ServiceUnavailableError

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
    states = await read_reservation_states(context.ledger(settings), missing_keys)
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
    await context.ledger(settings).apply(flag)
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
