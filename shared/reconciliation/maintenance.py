"""What an hourly run keeps in order beside the ledger: erasures, guests, and expired documents.

Local dates after a change of the restaurant's zone, which moves them all and not one instant.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter

from shared.concurrency import gather_all
from shared.context import AppContext, RestaurantContext
from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.registers import reservation_state_from_document
from shared.domain.reconciliation.compare import ReservationFingerprint, has_drifted
from shared.domain.reconciliation.report import build_repair_event
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.guests.erasure import erase_guest
from shared.guests.sync import GuestFeed, fetch_missing_guests
from shared.ledger.batch import COMMIT_GROUP_SIZE, apply_events
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.reconciliation.compare import ReconciliationRun

ERASURE_REPEAT_WINDOW = timedelta(days=2)
MAX_GUESTS_FETCHED = 500
_MAX_DOCUMENTS_DELETED = 500
_RPC_TIMEOUT_SECONDS = 30.0
_EXPIRY_FIELDS = {"ledgerEvents": "journalExpireAt", "openTableQuarantine": "quarantineExpireAt"}


async def repeat_erasures(restaurant: RestaurantContext) -> None:
    """Erase recently forgotten guests once more: a writer may have been under way at the time.

    Raises:
        LedgerUnavailableError: When something could not be read or erased.
    """
    context, settings = restaurant.context, restaurant.settings
    since = context.clock() - ERASURE_REPEAT_WINDOW
    recent_filter = FieldFilter("forgottenAt", ">=", since)
    guests = paths.guests_collection(context.firestore, settings.restaurant_id).where(
        filter=recent_filter
    )
    try:
        keys = [guest.id async for guest in guests.stream(retry=None, timeout=_RPC_TIMEOUT_SECONDS)]
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    for key in keys:
        await erase_guest(context, settings, key)


async def fetch_guests_after_run(
    restaurant: RestaurantContext,
    fingerprints: dict[str, ReservationFingerprint],
    applied: Iterable[ApplyResult],
) -> None:
    """Fetch the guests that reservations name and nothing is held of, within a bound.

    Args:
        restaurant: To the restaurant's book.
        fingerprints: What was held when the run began.
        applied: What the run wrote.

    Raises:
        OpenTableError: When one could not be fetched.
        LedgerUnavailableError: When one could not be stored.
    """
    feed = GuestFeed()
    for key, fingerprint in fingerprints.items():
        if (
            fingerprint.missing_guest_id is not None
            and len(feed.missing_guests) < MAX_GUESTS_FETCHED
        ):
            feed.add_missing_guest(fingerprint.missing_guest_id, key)
    for result in applied:
        if len(feed.missing_guests) < MAX_GUESTS_FETCHED:
            feed.add_from_result(result)
    await fetch_missing_guests(restaurant, feed)


async def delete_expired_documents(context: AppContext) -> None:
    """Delete what Firestore's TTL policy would have deleted; the emulator has none.

    Raises:
        LedgerUnavailableError: When something could not be read or deleted.
    """
    now = context.clock()
    deletions = (
        _delete_expired(context.firestore, collection, FieldFilter(field, "<=", now))
        for collection, field in _EXPIRY_FIELDS.items()
    )
    await gather_all(*deletions)


async def _delete_expired(
    client: AsyncClient, collection: str, expired_filter: FieldFilter
) -> None:
    query = (
        client.collection_group(collection)
        .where(filter=expired_filter)
        .limit(_MAX_DOCUMENTS_DELETED)
    )
    try:
        async for snapshot in query.stream(retry=None, timeout=_RPC_TIMEOUT_SECONDS):
            await snapshot.reference.delete(retry=None, timeout=_RPC_TIMEOUT_SECONDS)
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None


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
    ledger = open_ledger(context, settings)
    repairs = [event async for event in _find_drifted(run)]
    for start in range(0, len(repairs), COMMIT_GROUP_SIZE):
        for result in await apply_events(ledger, repairs[start : start + COMMIT_GROUP_SIZE]):
            if isinstance(result, ApplyResult) and result.write is not None:
                run.report.add_correction(result.event.external_key, result.write)


async def _find_drifted(run: ReconciliationRun) -> AsyncIterator[ReservationEvent]:
    """Yield a repair for each coming reservation that shows the zone of before."""
    context, settings, report = run.restaurant.context, run.restaurant.settings, run.report
    ledger = open_ledger(context, settings)
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
