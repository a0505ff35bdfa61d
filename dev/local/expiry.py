"""Delete expired documents in the Firestore emulator, which has no TTL policies."""

from contextlib import suppress
from datetime import UTC, datetime
from threading import Event

from google.api_core.exceptions import GoogleAPIError
from google.cloud.firestore import Client, FieldFilter

from shared.firestore.paths import EXPIRY_FIELDS

_MAX_DOCUMENTS_DELETED = 500
_TIMEOUT_SECONDS = 30.0


def run_expiry_loop(client: Client, stop: Event, interval_seconds: float) -> None:
    """Delete expired documents at an interval in real seconds until `stop` is set."""
    while not stop.wait(interval_seconds):
        with suppress(GoogleAPIError):  # the next round deletes them
            delete_expired_documents(client, datetime.now(UTC))


def delete_expired_documents(client: Client, now: datetime) -> None:
    """Delete expired documents, as Firestore's TTL policies do."""
    for collection, field in EXPIRY_FIELDS.items():
        expired = client.collection_group(collection).where(filter=FieldFilter(field, "<=", now))
        query = expired.limit(_MAX_DOCUMENTS_DELETED)
        for snapshot in query.stream(retry=None, timeout=_TIMEOUT_SECONDS):
            snapshot.reference.delete(retry=None, timeout=_TIMEOUT_SECONDS)
