"""What reconciliation found and may not correct: listed each time, flagged and alarmed once."""

from collections.abc import Iterator, Mapping

from google.api_core import exceptions as google
from msgspec import Struct

from shared.core.document import flatten, standing_divergence
from shared.core.findings import flagged
from shared.core.report import Divergence, Report
from shared.core.settings import Settings
from shared.core.statements import Statements
from shared.core.stored import statements_of
from shared.edge.intake import JSON
from shared.edge.keeping import keep_aside
from shared.edge.ledger import Ledger
from shared.edge.plan import Plan
from shared.edge.run import Run
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import LedgerUnavailableError, RejectedStatementError

_REASONS = {
    Divergence.MISSING_IN_OPENTABLE: (
        "OpenTable has no reservation of this id: ask OpenTable whether the party still comes."
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


class Finding(Struct, frozen=True):
    """A divergence on one reservation.

    Attributes:
        external_key: The reservation's.
        divergence: What is wrong.
        statements: All that is held about it.
        payload: The row at fault, to be kept aside; None where no row is.
    """

    external_key: str
    divergence: Divergence
    statements: Statements
    payload: str | None = None


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


async def settle_findings(run: Run, missing: list[str], plan: Plan) -> None:
    """List and flag what is left for a person once all corrections are known.

    Args:
        run: The run.
        missing: The keys of what is held and OpenTable does not have.
        plan: What was found and could not be carried out.

    Raises:
        LedgerUnavailableError: When something could not be read, flagged or kept aside.
    """
    services, settings = run.connection.services, run.connection.settings
    held = await read_statements(services.ledger(settings), missing)
    for finding in (*_missing(held), *_unlike(plan)):
        await _settle(services, settings, finding, run.report, dry=run.dry)


def _missing(held: Mapping[str, Statements]) -> Iterator[Finding]:
    for key, statements in held.items():
        yield Finding(key, Divergence.MISSING_IN_OPENTABLE, statements)


def _unlike(plan: Plan) -> Iterator[Finding]:
    for change, statements in plan.behind:
        yield Finding(change.external_key, Divergence.VERSION_BEHIND, statements)
    for change, statements in plan.contradicting:
        kind = Divergence.CONFLICTING_VERSION
        yield Finding(change.external_key, kind, statements, change.payload)


async def _settle(
    services: Services, settings: Settings, finding: Finding, report: Report, *, dry: bool
) -> None:
    """List a divergence; a new one is flagged on the reservation and raises an alarm."""
    kind = finding.divergence
    is_new = standing_divergence(finding.statements) != kind
    report.diverge(kind, finding.external_key, _REASONS[kind], is_new=is_new)
    if not is_new or dry:
        return
    if finding.payload is not None:
        rejection = RejectedStatementError(kind.value.lower(), _REASONS[kind])
        await keep_aside(services, settings, finding.payload, JSON, rejection)
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
