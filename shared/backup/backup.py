"""Back up all documents of a restaurant, as of one moment."""

from collections.abc import AsyncIterator
from datetime import datetime

from shared.backup.archive import (
    COLLECTION_IDS,
    BackupHeader,
    format_document,
    format_header,
    format_trailer,
)
from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient


async def iterate_backup_lines(
    client: FirestoreClient, restaurant_id: str, read_time: datetime
) -> AsyncIterator[str]:
    """Yield the lines of a backup.

    Args:
        client: The client of the database.
        restaurant_id: The restaurant.
        read_time: The moment of the backup. Firestore keeps an hour of older versions, and seven
            days in whole minutes with point-in-time recovery.
    """
    count = 0
    yield format_header(BackupHeader(restaurant_id, client.project, read_time))
    restaurant = client.document("restaurants", restaurant_id)
    with translate_firestore_errors():
        for collection_id in COLLECTION_IDS:
            async for path, document in client.rpc.iterate_documents(
                restaurant,
                collection_id,
                QUERY_TIMEOUT_SECONDS,
                is_group=True,
                read_time=read_time,
            ):
                yield format_document(path, document)
                count += 1
    yield format_trailer(count)
