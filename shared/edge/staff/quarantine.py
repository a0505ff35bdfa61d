"""The quarantine as its keepers work through it: look, and note what was done with an item."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter

from shared.core.keys import is_document_id
from shared.core.retention import is_gone
from shared.edge import paths
from shared.edge.reading import read_one, read_some, unavailable_on_failure
from shared.edge.staff.tokens import Person

MOST_VIEWS = 50
_WRITE_SECONDS = 5.0
_EXPIRY = "quarantineExpireAt"
_LISTED = ("reason", "detail", "receivedAt", "lastSeenAt", "count", "status", _EXPIRY)

Item = dict[str, Any]


class QuarantineDesk:
    """Works through one restaurant's quarantine.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        clock: The current time, UTC.

    Every method raises `LedgerUnavailableError` when Firestore cannot be asked now.
    """

    def __init__(
        self, client: AsyncClient, restaurant_id: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._items = paths.quarantine(client, restaurant_id)
        self._clock = clock

    async def newest(self, most: int) -> dict[str, Item]:
        """Return at most so many items without their bodies: open ones first, then newest first."""
        found = await self._some(self._with_status("OPEN"), most)
        if len(found) < most:
            settled = self._with_status("REPLAYED", "DISMISSED")
            found |= await self._some(settled, most - len(found))
        return found

    async def item(self, item_id: str) -> Item | None:
        """Return an item whole, None where there is none or it has expired."""
        if not is_document_id(item_id):
            return None
        item = (await read_one(self._items.document(item_id))).to_dict()
        return None if item is None or is_gone(item, _EXPIRY, self._clock()) else item

    async def note_view(self, item_id: str, item: Item, by: Person) -> None:
        """Write in an item who is about to see its personal data; the newest views are kept."""
        view = {"by": by.uid, "at": self._clock()}
        views = [*(item.get("unmaskedViews") or ()), view][-MOST_VIEWS:]
        await self._update(item_id, {"unmaskedViews": views})

    async def settle(self, item_id: str, status: str, by: Person, **fields: object) -> None:
        """Write in an item that it is settled.

        Args:
            item_id: The item's.
            status: ``REPLAYED`` or ``DISMISSED``.
            by: Who settled it.
            fields: What became of it.
        """
        settled = {"status": status, "settledBy": by.uid, "settledAt": self._clock()}
        await self._update(item_id, settled | fields)

    def _with_status(self, *statuses: str) -> AsyncQuery:
        return self._items.where(filter=FieldFilter("status", "in", list(statuses)))

    async def _some(self, query: AsyncQuery, most: int) -> dict[str, Item]:
        newest = query.order_by("receivedAt", direction=AsyncQuery.DESCENDING).select(_LISTED)
        found = {each.id: each.to_dict() or {} for each in await read_some(newest, most)}
        now = self._clock()
        return {id_: item for id_, item in found.items() if not is_gone(item, _EXPIRY, now)}

    async def _update(self, item_id: str, fields: dict[str, Any]) -> None:
        with unavailable_on_failure():
            reference = self._items.document(item_id)
            await reference.update(fields, retry=None, timeout=_WRITE_SECONDS)
