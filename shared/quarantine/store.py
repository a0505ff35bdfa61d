"""Store each event that cannot be applied, with the reason, and count the open ones."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference, FieldFilter, Increment
from msgspec import Struct

from shared.context import AppContext, RestaurantContext
from shared.domain.ledger.guest_link import LinkedGuest
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.privacy import collect_referenced_keys, is_expired, redact_json
from shared.domain.quarantine import summarize_quarantined_body
from shared.domain.validation import flatten_document
from shared.domain.webhook_auth import Authentication
from shared.errors import InvalidEventError
from shared.firestore import paths
from shared.firestore.documents import (
    WRITE_TIMEOUT_SECONDS,
    count_documents,
    read_all,
    read_document,
    read_documents,
    set_document,
    translate_firestore_errors,
    update_document,
)
from shared.guests.repository import follow_merges
from shared.log import LogEvent, Severity, log_event

MAX_STORED_BODY_BYTES = 900_000  # a Firestore document holds at most 1 MiB


class QuarantineEntry(Struct, frozen=True):
    """The document id of a stored item; ``is_new`` is False for a repeated event."""

    id: str
    is_new: bool


class QuarantineBacklog(Struct, frozen=True):
    """The number of open items, and the time of receipt of the oldest (UTC, None without items)."""

    open_count: int
    oldest_at: datetime | None


async def quarantine_event(
    restaurant: RestaurantContext,
    text: str,
    content_type: str,
    rejection: InvalidEventError,
    authentication: Authentication | None = None,
) -> QuarantineEntry:
    """Store a rejected event, or count it if the same text was rejected for the same reason.

    The text is redacted if it refers to a forgotten guest. One longer than `MAX_STORED_BODY_BYTES`
    is truncated rather than rejected, so that it cannot stop a poll. A repeated event does not
    reopen a replayed or dismissed item.

    Args:
        authentication: That of a webhook; None for rows that we requested.

    Raises:
        ServiceUnavailableError: The event is not stored and must not be acknowledged.
    """
    if await _refers_to_forgotten_guest(restaurant, text):
        text = redact_json(text)
    reason, detail, now = rejection.reason, rejection.detail, restaurant.context.clock()
    body = text.encode("utf-8", "surrogatepass")[:MAX_STORED_BODY_BYTES].decode("utf-8", "ignore")
    if body != text:
        detail += f" Only the first {MAX_STORED_BODY_BYTES} bytes are stored."
    item = {
        "reason": reason,
        "detail": detail,
        "receivedAt": now,
        "lastSeenAt": now,
        "count": 1,
        "contentType": content_type,
        "body": body,
        "summary": summarize_quarantined_body(reason, text),
        "authentication": authentication and authentication.to_map(),
        "status": "OPEN",
        "quarantineExpireAt": now + _get_retention(restaurant.context),
    }
    items = paths.quarantine_collection(restaurant.firestore, restaurant.id)
    reference = items.document(build_quarantine_id(reason, text))
    with translate_firestore_errors():
        # Created without a read before: repeated events are rare.
        try:
            await reference.create(item, retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        except google.Conflict:
            return QuarantineEntry(reference.id, is_new=await _count_repeat(reference, item))
    return QuarantineEntry(reference.id, is_new=True)


async def _refers_to_forgotten_guest(restaurant: RestaurantContext, text: str) -> bool:
    # The text is not normalized, so each of its ids may be a reservation's or a guest's.
    keys = sorted(collect_referenced_keys(text, restaurant.settings.rid))
    references = [
        paths.reservation_document(restaurant.firestore, restaurant.id, key) for key in keys
    ]
    for snapshot in await read_all(restaurant.firestore, references):
        if flatten_document(snapshot.to_dict() or {}).get("guests.forgotten"):
            return True
    for key in filter(is_document_id, keys):
        guest = await follow_merges(restaurant, key)
        if isinstance(guest, LinkedGuest) and guest.is_forgotten:
            return True
    return False


async def _count_repeat(reference: AsyncDocumentReference, item: dict[str, Any]) -> bool:
    """Count a stored item once more; return whether it had expired and was replaced."""
    now = item["receivedAt"]
    stored = (await read_document(reference)).to_dict() or {}
    # Firestore deletes expired documents with a delay of up to some days.
    if is_expired(stored, "quarantineExpireAt", now):
        await set_document(reference, item)
        return True
    await update_document(reference, {"count": Increment(1), "lastSeenAt": now})
    return False


def _get_retention(context: AppContext) -> timedelta:
    return timedelta(days=context.environment.quarantine_retention_days)


def build_quarantine_id(reason: str, body: str) -> str:
    """Return the document id of an item: a hash of its reason and body."""
    return hashlib.sha256(f"{reason}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


async def read_quarantine_backlog(context: AppContext, restaurant_id: str) -> QuarantineBacklog:
    """Return the backlog of a restaurant's quarantine (two billed reads)."""
    received_after = context.clock() - _get_retention(context)
    # Filters by age: `quarantineExpireAt` is exempt from indexing.
    items = (
        paths.quarantine_collection(context.firestore, restaurant_id)
        .where(filter=FieldFilter("status", "==", "OPEN"))
        .where(filter=FieldFilter("receivedAt", ">", received_after))
    )
    oldest = await read_documents(items.order_by("receivedAt").select(["receivedAt"]), 1)
    if not oldest:
        return QuarantineBacklog(0, None)
    return QuarantineBacklog(await count_documents(items), oldest[0].get("receivedAt"))


async def log_quarantine_backlog(context: AppContext, restaurant_id: str) -> None:
    """Log a restaurant's backlog, for the metric and its alert."""
    backlog = await read_quarantine_backlog(context, restaurant_id)
    oldest_age = context.clock() - backlog.oldest_at if backlog.oldest_at else timedelta(0)
    log_event(
        Severity.INFO,
        LogEvent.QUARANTINE,
        restaurantId=restaurant_id,
        openItems=backlog.open_count,
        oldestOpenSeconds=round(oldest_age.total_seconds()),
    )
