"""What was said by who may say it, but cannot be applied: kept whole, with its reason."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, Increment
from msgspec import Struct

from shared.core.retention import is_expired
from shared.core.signature import Verification
from shared.edge import paths
from shared.errors import InvalidEventError, ServiceUnavailableError

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
