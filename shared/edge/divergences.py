"""What reconciliation found and may not correct: listed each time, flagged and alarmed once."""

from dataclasses import dataclass

from google.api_core import exceptions as google

from shared.core.document import flatten, standing_divergence
from shared.core.findings import flagged
from shared.core.report import Divergence, Report
from shared.core.settings import Settings
from shared.core.statements import Statements
from shared.core.stored import statements_of
from shared.edge.ledger import Ledger
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import LedgerUnavailableError

_REASONS = {
    Divergence.MISSING_IN_OPENTABLE: (
        "OpenTable has no reservation of this id: ask OpenTable, or cancel it by hand."
    ),
    Divergence.VERSION_BEHIND: (
        "OpenTable shows an older version than it once said: it may have been restored from a "
        "backup; ask OpenTable which one holds."
    ),
    Divergence.CONFLICTING_VERSION: (
        "OpenTable says something else at the very version that is held; see the quarantine."
    ),
}
_MOST_READ_AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """A divergence on one reservation.

    Attributes:
        external_key: The reservation's.
        divergence: What is wrong.
        statements: All that is held about it.
    """

    external_key: str
    divergence: Divergence
    statements: Statements


async def read_statements(ledger: Ledger, keys: list[str]) -> dict[str, Statements]:
    """Read all that is held about some reservations.

    Raises:
        LedgerUnavailableError: When it could not be read.
    """
    held: dict[str, Statements] = {}
    for start in range(0, len(keys), _MOST_READ_AT_ONCE):
        wanted = dict.fromkeys(keys[start : start + _MOST_READ_AT_ONCE], ())
        try:
            readings = await ledger.shelf.read(wanted)
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        for key, reading in readings.items():
            held[key] = statements_of(flatten(reading.held.document or {}))
    return held


async def settle_finding(
    services: Services, settings: Settings, finding: Finding, report: Report, *, dry: bool
) -> None:
    """List a divergence; a new one is flagged on the reservation and raises an alarm.

    Args:
        services: The process's services.
        settings: The restaurant's.
        finding: What was found.
        report: The run's.
        dry: Whether nothing may be written.

    Raises:
        LedgerUnavailableError: When the flag could not be written.
    """
    kind = finding.divergence
    is_new = standing_divergence(finding.statements) != kind
    report.diverge(kind, finding.external_key, _REASONS[kind], is_new=is_new)
    if not is_new or dry:
        return
    flag = flagged(
        finding.external_key, finding.statements, kind, report.report_id, report.reconciled_at
    )
    await services.ledger(settings).apply(flag)
    alarm(report, kind, finding.external_key)


def alarm(report: Report, kind: Divergence, external_key: str | None) -> None:
    """Log a divergence that no earlier report had."""
    log(
        Severity.ERROR,
        Event.DIVERGENCE,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        type=kind.value,
        externalId=external_key,
    )
