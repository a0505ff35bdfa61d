"""Local dates after a change of the restaurant's zone, which moves them all and not one instant."""

from collections.abc import AsyncIterator
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import FieldFilter

from shared.core.change import ReservationEvent
from shared.core.comparison import has_drifted
from shared.core.document import flatten_document
from shared.core.findings import build_repair_event
from shared.core.stored import reservation_state_from_document
from shared.edge import paths
from shared.edge.batches import COMMIT_GROUP_SIZE, apply_events
from shared.edge.ledger import ApplyResult
from shared.edge.run import ReconciliationRun
from shared.errors import ServiceUnavailableError

_LOOKBACK = timedelta(days=2)  # the local day may lie a day off the instant's


async def recompute_local_dates(run: ReconciliationRun) -> None:
    """Show the coming reservations in the zone of the settings where the last run knew another.

    Those in the run's window were compared already; this is for all that lie beyond it.

    Args:
        run: The run; its report lists what changed.

    Raises:
        LedgerUnavailableError: When they could not be read.
    """
    settings, context = run.restaurant.settings, run.restaurant.context
    if run.previous_time_zone == settings.require_zone().key:
        return
    ledger = context.ledger(settings)
    repairs = [event async for event in _find_drifted(run)]
    for start in range(0, len(repairs), COMMIT_GROUP_SIZE):
        for result in await apply_events(ledger, repairs[start : start + COMMIT_GROUP_SIZE]):
            if isinstance(result, ApplyResult) and result.write is not None:
                run.report.add_correction(result.event.external_key, result.write)


async def _find_drifted(run: ReconciliationRun) -> AsyncIterator[ReservationEvent]:
    """Yield a repair for each coming reservation that shows the zone of before."""
    context, settings, report = run.restaurant.context, run.restaurant.settings, run.report
    ledger = context.ledger(settings)
    future_filter = FieldFilter("startAtTimestamp", ">=", report.reconciled_at - _LOOKBACK)
    query = paths.reservations_collection(context.firestore, settings.restaurant_id).where(
        filter=future_filter
    )
    try:
        async for snapshot in query.stream(retry=None, timeout=run.restaurant.deadline.remaining()):
            flat = flatten_document(snapshot.to_dict() or {})
            key = flat.get("source.externalReservationId")
            if flat.get("source.system") == "OPENTABLE" and isinstance(key, str):
                state = reservation_state_from_document(flat)
                if has_drifted(flat, ledger.build_identity(key), state):
                    yield build_repair_event(key, state, report.report_id, report.reconciled_at)
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
