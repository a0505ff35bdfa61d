"""What an hourly run keeps in order beside the ledger: erasures, guests, and expired documents."""

from collections.abc import Iterable
from datetime import timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter

from shared.core.comparison import Mark
from shared.edge import paths
from shared.edge.connection import Connection
from shared.edge.erasing import erase_guest
from shared.edge.guest_feed import Feed, fetch_lacking
from shared.edge.ledger import Applied
from shared.edge.services import Services
from shared.edge.together import together
from shared.errors import LedgerUnavailableError

REPEATED_FOR = timedelta(days=2)
MOST_FETCHED = 500
_MOST_SWEPT = 500
_SECONDS = 30.0
_EXPIRING = {"ledgerEvents": "journalExpireAt", "openTableQuarantine": "quarantineExpireAt"}


async def repeat_erasures(connection: Connection) -> None:
    """Erase recently forgotten guests once more: a writer may have been under way at the time.

    Raises:
        LedgerUnavailableError: When something could not be read or erased.
    """
    services, settings = connection.services, connection.settings
    since = services.clock() - REPEATED_FOR
    recent = FieldFilter("forgottenAt", ">=", since)
    guests = paths.guests(services.firestore, settings.restaurant_id).where(filter=recent)
    try:
        keys = [guest.id async for guest in guests.stream(retry=None, timeout=_SECONDS)]
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    for key in keys:
        await erase_guest(services, settings, key)


async def fetch_guests(
    connection: Connection, holdings: dict[str, Mark], applied: Iterable[Applied]
) -> None:
    """Fetch the guests that reservations name and nothing is held of, within a bound.

    Args:
        connection: To the restaurant's book.
        holdings: What was held when the run began.
        applied: What the run wrote.

    Raises:
        OpenTableError: When one could not be fetched.
        LedgerUnavailableError: When one could not be stored.
    """
    feed = Feed()
    for key, mark in holdings.items():
        if mark.lacking_guest is not None and len(feed.lacking) < MOST_FETCHED:
            feed.lack(mark.lacking_guest, key)
    for each in applied:
        if len(feed.lacking) < MOST_FETCHED:
            feed.note(each)
    await fetch_lacking(connection, feed)


async def sweep_expired(services: Services) -> None:
    """Delete what Firestore's TTL policy would have deleted; the emulator has none.

    Raises:
        LedgerUnavailableError: When something could not be read or deleted.
    """
    now = services.clock()
    sweeps = (
        _sweep(services.firestore, collection, FieldFilter(field, "<=", now))
        for collection, field in _EXPIRING.items()
    )
    await together(*sweeps)


async def _sweep(client: AsyncClient, collection: str, expired: FieldFilter) -> None:
    query = client.collection_group(collection).where(filter=expired).limit(_MOST_SWEPT)
    try:
        async for snapshot in query.stream(retry=None, timeout=_SECONDS):
            await snapshot.reference.delete(retry=None, timeout=_SECONDS)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
