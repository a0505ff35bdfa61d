"""What was said by who may say it, but cannot be applied: kept whole, with its reason."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, Increment
from msgspec import Struct

from shared.core.retention import is_gone
from shared.core.signature import Verdict
from shared.edge import paths
from shared.errors import LedgerUnavailableError, RejectedStatementError

LARGEST_BODY_BYTES = 900_000
_WRITE_SECONDS = 5.0
_IS_CUT = f" Only its first {LARGEST_BODY_BYTES} bytes are kept: a document holds no more."


class Kept(Struct, frozen=True):
    """A statement in the quarantine.

    Attributes:
        id: The item's document id.
        is_new: Whether it was not there before.
    """

    id: str
    is_new: bool


class Quarantine:
    """A restaurant's quarantine.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose it is.
        clock: The current time, UTC.
        life: How long an item is kept.
    """

    def __init__(
        self,
        client: AsyncClient,
        restaurant_id: str,
        clock: Callable[[], datetime],
        life: timedelta,
    ) -> None:
        self._items = paths.quarantine(client, restaurant_id)
        self._clock = clock
        self._life = life

    async def keep(
        self,
        body: str,
        content_type: str,
        rejection: RejectedStatementError,
        verdict: Verdict | None = None,
    ) -> Kept:
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
        id_ = quarantine_id(rejection.reason, body)
        now, kept = self._clock(), _fitting(body)
        item = {
            "reason": rejection.reason,
            "detail": rejection.detail + ("" if kept == body else _IS_CUT),
            "receivedAt": now,
            "lastSeenAt": now,
            "count": 1,
            "contentType": content_type,
            "body": kept,
            "verdict": verdict and verdict.stored(),
            "status": "OPEN",
            "quarantineExpireAt": now + self._life,
        }
        reference = self._items.document(id_)
        try:
            await reference.create(item, retry=None, timeout=_WRITE_SECONDS)
        except google.Conflict:
            return Kept(id_, is_new=await self._keep_again(id_, item))
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        return Kept(id_, is_new=True)

    async def _keep_again(self, id_: str, item: dict[str, Any]) -> bool:
        """Count an item once more; one that has expired counts as gone, and is kept anew."""
        reference, now = self._items.document(id_), item["receivedAt"]
        seen = {"count": Increment(1), "lastSeenAt": now}
        try:
            held = (await reference.get(retry=None, timeout=_WRITE_SECONDS)).to_dict() or {}
            expired = is_gone(held, "quarantineExpireAt", now)
            if expired:
                await reference.set(item, retry=None, timeout=_WRITE_SECONDS)
            else:
                await reference.update(seen, retry=None, timeout=_WRITE_SECONDS)
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        return expired


def _fitting(body: str) -> str:
    return body.encode("utf-8", "surrogatepass")[:LARGEST_BODY_BYTES].decode("utf-8", "ignore")


def quarantine_id(reason: str, body: str) -> str:
    """Return the item's id: a hash of its reason and its content."""
    return hashlib.sha256(f"{reason}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()
