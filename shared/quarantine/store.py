"""Store each event that cannot be applied, with the reason, and count the open ones."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, FieldFilter, Increment
from msgspec import Struct

from shared.context import AppContext
from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.guest_link import LinkedGuest
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.privacy import collect_referenced_keys, is_expired, redact_json
from shared.domain.quarantine import summarize_quarantined_body
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth import AuthenticationResult
from shared.errors import InvalidEventError
from shared.firestore import paths
from shared.firestore.documents import (
    WRITE_TIMEOUT_SECONDS,
    count_documents,
    read_all,
    read_document,
    read_documents,
    translate_firestore_errors,
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
    context: AppContext,
    settings: IntegrationSettings,
    text: str,
    content_type: str,
    rejection: InvalidEventError,
    *,
    authentication: AuthenticationResult | None = None,
) -> QuarantineEntry:
    """Store the text of a rejected event, redacted if it refers to a forgotten guest.

    `authentication` is that of a webhook; None for rows that we requested. If this raises
    ServiceUnavailableError, the event is not stored and must not be acknowledged.
    """
    if await _refers_to_forgotten_guest(context, settings, text):
        text = redact_json(text)
    quarantine = open_quarantine(context, settings.restaurant_id)
    return await quarantine.add(text, content_type, rejection, authentication)


async def _refers_to_forgotten_guest(
    context: AppContext, settings: IntegrationSettings, text: str
) -> bool:
    # The text is not normalized, so each of its ids may be a reservation's or a guest's.
    client, keys = context.firestore, sorted(collect_referenced_keys(text, settings.rid))
    references = [paths.reservation_document(client, settings.restaurant_id, key) for key in keys]
    for snapshot in await read_all(client, references):
        if flatten_document(snapshot.to_dict() or {}).get("guests.forgotten"):
            return True
    for key in filter(is_document_id, keys):
        guest = await follow_merges(context, settings, key)
        if isinstance(guest, LinkedGuest) and guest.is_forgotten:
            return True
    return False


def open_quarantine(context: AppContext, restaurant_id: str) -> "QuarantineStore":
    """Return a restaurant's quarantine with the configured retention."""
    retention = timedelta(days=context.environment.quarantine_retention_days)
    return QuarantineStore(context.firestore, restaurant_id, context.clock, retention)


class QuarantineStore:
    """A restaurant's quarantined events."""

    def __init__(
        self,
        client: AsyncClient,
        restaurant_id: str,
        clock: Callable[[], datetime],
        retention: timedelta,
    ) -> None:
        self._items = paths.quarantine_collection(client, restaurant_id)
        self._clock = clock
        self._retention = retention

    async def add(
        self,
        body: str,
        content_type: str,
        rejection: InvalidEventError,
        authentication: AuthenticationResult | None = None,
    ) -> QuarantineEntry:
        """Store an event, or count it if the same body was rejected before for the same reason.

        A repeated event does not reopen a replayed or dismissed item. A body longer than
        `MAX_STORED_BODY_BYTES` is truncated rather than rejected, so that it cannot stop a poll.
        """
        id_ = build_quarantine_id(rejection.reason, body)
        now, detail = self._clock(), rejection.detail
        stored_body = body.encode("utf-8", "surrogatepass")[:MAX_STORED_BODY_BYTES].decode(
            "utf-8", "ignore"
        )
        if stored_body != body:
            detail += f" Only the first {MAX_STORED_BODY_BYTES} bytes are stored."
        item = {
            "reason": rejection.reason,
            "detail": detail,
            "receivedAt": now,
            "lastSeenAt": now,
            "count": 1,
            "contentType": content_type,
            "body": stored_body,
            "summary": summarize_quarantined_body(rejection.reason, body),
            "authentication": authentication and authentication.to_map(),
            "status": "OPEN",
            "quarantineExpireAt": now + self._retention,
        }
        with translate_firestore_errors():
            # Created without a read before: repeated events are rare.
            try:
                await self._items.document(id_).create(
                    item, retry=None, timeout=WRITE_TIMEOUT_SECONDS
                )
            except google.Conflict:
                return QuarantineEntry(id_, is_new=await self._count_repeat(id_, item))
        return QuarantineEntry(id_, is_new=True)

    async def _count_repeat(self, id_: str, item: dict[str, Any]) -> bool:
        """Count a stored item once more; return whether it had expired and was replaced."""
        reference, now = self._items.document(id_), item["receivedAt"]
        stored = (await read_document(reference)).to_dict() or {}
        # Firestore deletes expired documents with a delay of up to some days.
        if is_expired(stored, "quarantineExpireAt", now):
            await reference.set(item, retry=None, timeout=WRITE_TIMEOUT_SECONDS)
            return True
        repeat_fields = {"count": Increment(1), "lastSeenAt": now}
        await reference.update(repeat_fields, retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        return False


def build_quarantine_id(reason: str, body: str) -> str:
    """Return the document id of an item: a hash of its reason and body."""
    return hashlib.sha256(f"{reason}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


async def read_quarantine_backlog(context: AppContext, restaurant_id: str) -> QuarantineBacklog:
    """Return the backlog of a restaurant's quarantine (two billed reads)."""
    retention = timedelta(days=context.environment.quarantine_retention_days)
    # Filters by age: `quarantineExpireAt` is exempt from indexing.
    items = (
        paths.quarantine_collection(context.firestore, restaurant_id)
        .where(filter=FieldFilter("status", "==", "OPEN"))
        .where(filter=FieldFilter("receivedAt", ">", context.clock() - retention))
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
