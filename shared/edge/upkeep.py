"""What an hourly run keeps in order beside the ledger: erasures, guests, and expired documents."""

from collections.abc import Iterable
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter

from shared.core.comparison import ReservationFingerprint
from shared.edge import paths
from shared.edge.connection import RestaurantContext
from shared.edge.erasing import erase_guest
from shared.edge.guest_feed import GuestFeed, fetch_missing_guests
from shared.edge.ledger import ApplyResult
from shared.edge.services import AppContext
from shared.edge.together import gather_all
from shared.errors import ServiceUnavailableError

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
