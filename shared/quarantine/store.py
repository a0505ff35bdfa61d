"""What was said by who may say it, but cannot be applied: kept whole, with its reason.

Into the quarantine, but never with a person who must be forgotten.

How much waits in a restaurant's quarantine for a person, and for how long.
"""

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
from shared.domain.privacy import is_expired, redact_json, referenced_keys
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth.verify import Verification
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import count_documents, read_documents
from shared.guests.repository import follow_merges
from shared.log import LogEvent, Severity, log_event

MAX_STORED_BODY_BYTES = 900_000
_WRITE_TIMEOUT_SECONDS = 5.0

_TRUNCATION_NOTE = (
    f" Only its first {MAX_STORED_BODY_BYTES} bytes are kept: a document holds no more."
)


class QuarantineEntry(Struct, frozen=True):
    """A statement in the quarantine.

    Attributes:
        id: The item's document id.
        is_new: Whether it was not there before.
    """

    id: str
    is_new: bool


class QuarantineStore:
    """A restaurant's quarantine.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose it is.
        clock: The current time, UTC.
        retention: How long an item is kept.
    """

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
        verdict: Verification | None = None,
    ) -> QuarantineEntry:
        """Keep a statement; the same one for the same reason is one item, however often it comes.

        An item that was dismissed or replayed stays so: only its count and time move. Of a body
        that no document can hold the beginning is kept, so that a row cannot stop a poll.

        Args:
            body: The statement as it came.
            content_type: Its media type.
            rejection: Why it cannot be applied.
            verdict: How its sender proved who it is; None for what we asked OpenTable for.

        Raises:
            LedgerUnavailableError: When it could not be stored; it must not be acknowledged.
        """
        id_ = build_quarantine_id(rejection.reason, body)
        now, stored_body = self._clock(), _truncate_body(body)
        item = {
            "reason": rejection.reason,
            "detail": rejection.detail + ("" if stored_body == body else _TRUNCATION_NOTE),
            "receivedAt": now,
            "lastSeenAt": now,
            "count": 1,
            "contentType": content_type,
            "body": stored_body,
            "verdict": verdict and verdict.to_map(),
            "status": "OPEN",
            "quarantineExpireAt": now + self._retention,
        }
        reference = self._items.document(id_)
        try:
            await reference.create(item, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
        except google.Conflict:
            return QuarantineEntry(id_, is_new=await self._count_repeat(id_, item))
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        return QuarantineEntry(id_, is_new=True)

    async def _count_repeat(self, id_: str, item: dict[str, Any]) -> bool:
        """Count an item once more; one that has expired counts as gone, and is kept anew."""
        reference, now = self._items.document(id_), item["receivedAt"]
        repeat_fields = {"count": Increment(1), "lastSeenAt": now}
        try:
            stored = (
                await reference.get(retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
            ).to_dict() or {}
            has_expired = is_expired(stored, "quarantineExpireAt", now)
            if has_expired:
                await reference.set(item, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
            else:
                await reference.update(repeat_fields, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        return has_expired


def _truncate_body(body: str) -> str:
    return body.encode("utf-8", "surrogatepass")[:MAX_STORED_BODY_BYTES].decode("utf-8", "ignore")


def build_quarantine_id(reason: str, body: str) -> str:
    """Return the item's id: a hash of its reason and its content."""
    return hashlib.sha256(f"{reason}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


_READ_TIMEOUT_SECONDS = 5.0


async def quarantine_event(  # noqa: PLR0913 -- one more than five, and it is seldom given
    context: AppContext,
    settings: IntegrationSettings,
    text: str,
    content_type: str,
    rejection: InvalidEventError,
    *,
    verdict: Verification | None = None,
) -> QuarantineEntry:
    """Keep a statement that cannot be applied; without the person where that is forgotten.

    Args:
        context: The process's services.
        settings: The restaurant's.
        text: The statement as it came.
        content_type: Its media type.
        rejection: Why it cannot be applied.
        verdict: How its sender proved who it is; None for what we asked OpenTable for.

    Raises:
        LedgerUnavailableError: When it could not be stored; it must not be acknowledged.
    """
    keys = referenced_keys(text, settings.rid)
    is_forgotten = await _has_forgotten_reservation(context, settings, keys)
    if is_forgotten or await _has_forgotten_guest(context, settings, keys):
        text = redact_json(text)
    quarantine = open_quarantine(context, settings.restaurant_id)
    return await quarantine.add(text, content_type, rejection, verdict)


async def _has_forgotten_reservation(
    context: AppContext, settings: IntegrationSettings, keys: set[str]
) -> bool:
    """Whether any of these reservations is a forgotten guest's."""
    client, restaurant_id = context.firestore, settings.restaurant_id
    references = [paths.reservation_document(client, restaurant_id, key) for key in keys]
    try:
        snapshots = client.get_all(references, retry=None, timeout=_READ_TIMEOUT_SECONDS)
        documents = [flatten_document(snapshot.to_dict() or {}) async for snapshot in snapshots]
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return any(document.get("guests.forgotten") for document in documents)


async def _has_forgotten_guest(
    context: AppContext, settings: IntegrationSettings, keys: set[str]
) -> bool:
    """Whether any of these leads to a guest who must be forgotten."""
    for key in filter(is_document_id, sorted(keys)):
        resolved = await follow_merges(context, settings, key)
        if isinstance(resolved, LinkedGuest) and resolved.is_forgotten:
            return True
    return False


class QuarantineBacklog(Struct, frozen=True):
    """The open items of a quarantine.

    Attributes:
        open_count: How many.
        oldest_at: When the oldest of them first came, UTC; None where there is none.
    """

    open_count: int
    oldest_at: datetime | None


async def read_quarantine_backlog(context: AppContext, restaurant_id: str) -> QuarantineBacklog:
    """Return a restaurant's backlog, at the price of two reads.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    open_filter = FieldFilter("status", "==", "OPEN")
    # By its age: the time at which an item expires is not indexed.
    retention = timedelta(days=context.environment.quarantine_retention_days)
    retained_filter = FieldFilter("receivedAt", ">", context.clock() - retention)
    quarantine = paths.quarantine_collection(context.firestore, restaurant_id)
    items = quarantine.where(filter=open_filter).where(filter=retained_filter)
    oldest = await read_documents(items.order_by("receivedAt").select(["receivedAt"]), 1)
    if not oldest:
        return QuarantineBacklog(0, None)
    return QuarantineBacklog(await count_documents(items), oldest[0].get("receivedAt"))


async def log_quarantine_backlog(context: AppContext, restaurant_id: str) -> None:
    """Log a restaurant's backlog, for a metric and its alert.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    backlog = await read_quarantine_backlog(context, restaurant_id)
    oldest_age = context.clock() - backlog.oldest_at if backlog.oldest_at else None
    log_event(
        Severity.INFO,
        LogEvent.QUARANTINE,
        restaurantId=restaurant_id,
        openItems=backlog.open_count,
        oldestOpenSeconds=round(oldest_age.total_seconds()) if oldest_age else 0,
    )


def open_quarantine(context: AppContext, restaurant_id: str) -> QuarantineStore:
    """Return a restaurant's quarantine."""
    retention = timedelta(days=context.environment.quarantine_retention_days)
    return QuarantineStore(context.firestore, restaurant_id, context.clock, retention)
