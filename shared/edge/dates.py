"""Local dates after a change of the restaurant's zone, which moves them all and not one instant."""

from collections.abc import AsyncIterator
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import FieldFilter

from shared.core.change import Change
from shared.core.comparison import drift
from shared.core.document import flatten
from shared.core.findings import repaired
from shared.core.stored import statements_of
from shared.edge import paths
from shared.edge.batches import GROUP_SIZE, apply_all
from shared.edge.ledger import Applied
from shared.edge.run import Run
from shared.errors import LedgerUnavailableError

_BEFORE_TODAY = timedelta(days=2)  # the local day may lie a day off the instant's


async def rederive_dates(run: Run) -> None:
    """Show the coming reservations in the zone of the settings where the last run knew another.

    Those in the run's window were compared already; this is for all that lie beyond it.

    Args:
        run: The run; its report lists what changed.

    Raises:
        LedgerUnavailableError: When they could not be read.
    """
    settings, services = run.connection.settings, run.connection.services
    if run.zone_before == settings.usable_zone().key:
        return
    ledger = services.ledger(settings)
    drifted = [change async for change in _drifted(run)]
    for start in range(0, len(drifted), GROUP_SIZE):
        for result in await apply_all(ledger, drifted[start : start + GROUP_SIZE]):
            if isinstance(result, Applied) and result.commit is not None:
                run.report.correct(result.change.external_key, result.commit)


async def _drifted(run: Run) -> AsyncIterator[Change]:
    """Yield a repair for each coming reservation that shows the zone of before."""
    services, settings, report = run.connection.services, run.connection.settings, run.report
    ledger = services.ledger(settings)
    coming = FieldFilter("startAtTimestamp", ">=", report.reconciled_at - _BEFORE_TODAY)
    query = paths.reservations(services.firestore, settings.restaurant_id).where(filter=coming)
    try:
        async for snapshot in query.stream(retry=None, timeout=run.connection.deadline.remaining()):
            flat = flatten(snapshot.to_dict() or {})
            key = flat.get("source.externalReservationId")
            if flat.get("source.system") == "OPENTABLE" and isinstance(key, str):
                statements = statements_of(flat)
                if drift(flat, ledger.identity(key), statements):
                    yield repaired(key, statements, report.report_id, report.reconciled_at)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
