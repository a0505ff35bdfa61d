"""Review a restaurant's quarantine: list, read, replay and dismiss its items.

A replay does not verify the signature again, because it has expired. The event keeps its time of
first receipt, so that its order among the other events does not change.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter
from msgspec import Struct
from msgspec.structs import replace

from shared.context import RestaurantContext
from shared.domain.http_messages import InvalidJsonError, parse_strict_json
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.identifiers import build_reservation_document_id, is_document_id
from shared.domain.normalization.webhook_body import WebhookFormat, detect_webhook_format
from shared.domain.privacy import is_expired
from shared.domain.validation import typed_or_none
from shared.errors import InvalidEventError
from shared.firestore import paths
from shared.firestore.documents import (
    count_documents,
    read_document,
    read_documents,
    translate_firestore_errors,
    update_document,
    update_if_unmodified,
)
from shared.ingest.events import IncomingEvent, normalize_event
from shared.ledger.ledger import ApplyResult, Ledger, build_apply_result, decide_group
from shared.staff.identity import AuthenticatedUser

MAX_RECORDED_VIEWS = 50
_EXPIRY_FIELD = "quarantineExpireAt"
_SUMMARY_FIELDS = (
    "reason",
    "detail",
    "summary",
    "receivedAt",
    "lastSeenAt",
    "count",
    "status",
    "resolvedBy",
    "resolvedAt",
    "dismissReason",
    "outcome",
    "reservationId",
    "eventId",
    _EXPIRY_FIELD,
)
StoredQuarantineItem = dict[str, Any]


class OpenItemsPage(Struct, frozen=True):
    """Open items by id; `last_id` is where the next page starts, None on the last page."""

    items_by_id: dict[str, StoredQuarantineItem]
    last_id: str | None


class QuarantineReview:
    """The quarantined items of one restaurant, as the staff sees them."""

    def __init__(
        self, client: AsyncClient, restaurant_id: str, clock: Callable[[], datetime]
    ) -> None:
        self._items = paths.quarantine_collection(client, restaurant_id)
        self._clock = clock

    async def list_newest(self, limit: int) -> dict[str, StoredQuarantineItem]:
        """Return up to `limit` items by id, without their bodies: open ones first, then newest."""
        items_by_id = await self._read_summaries(["OPEN"], limit)
        if len(items_by_id) < limit:
            items_by_id |= await self._read_summaries(
                ["REPLAYED", "DISMISSED"], limit - len(items_by_id)
            )
        return items_by_id

    async def _read_summaries(
        self, statuses: list[str], limit: int
    ) -> dict[str, StoredQuarantineItem]:
        query = (
            self._items.where(filter=FieldFilter("status", "in", statuses))
            .order_by("receivedAt", direction=AsyncQuery.DESCENDING)
            .select(_SUMMARY_FIELDS)
        )
        return self._without_expired(await read_documents(query, limit))

    def _without_expired(
        self, snapshots: Iterable[DocumentSnapshot[Any]]
    ) -> dict[str, StoredQuarantineItem]:
        # Firestore deletes expired documents with a delay.
        now = self._clock()
        items = ((snapshot.id, snapshot.to_dict() or {}) for snapshot in snapshots)
        return {id_: item for id_, item in items if not is_expired(item, _EXPIRY_FIELD, now)}

    async def list_open_by_reason(
        self, reason: str, limit: int, after_id: str | None = None
    ) -> OpenItemsPage:
        """Return up to `limit` open items with their bodies, in the order of their ids."""
        query = self._open_by_reason(reason).order_by("__name__")
        if after_id is not None:
            query = query.start_after({"__name__": self._items.document(after_id)})
        snapshots = await read_documents(query, limit)
        # By the page as read: without expired items, a full page would look like the last one.
        last_id = snapshots[-1].id if len(snapshots) == limit else None
        return OpenItemsPage(self._without_expired(snapshots), last_id)

    async def count_open_by_reason(self, reason: str) -> int:
        """Return the number of open items with a reason."""
        return await count_documents(self._open_by_reason(reason))

    def _open_by_reason(self, reason: str) -> AsyncQuery:
        return self._items.where(filter=FieldFilter("status", "==", "OPEN")).where(
            filter=FieldFilter("reason", "==", reason)
        )

    async def read_item(self, item_id: str) -> StoredQuarantineItem | None:
        """Return an item with its body, None if it does not exist or has expired."""
        if not is_document_id(item_id):
            return None
        item = (await read_document(self._items.document(item_id))).to_dict()
        return None if item is None or is_expired(item, _EXPIRY_FIELD, self._clock()) else item

    async def record_view(self, item_id: str, user: AuthenticatedUser) -> list[Any]:
        """Record who is about to see the personal data of an item; return the newest views."""
        view = {"by": user.uid, "at": self._clock()}

        def add(item: StoredQuarantineItem | None) -> dict[str, Any] | None:
            if item is None:  # it expired in the meantime
                return None
            views = typed_or_none(list, item.get("unmaskLog")) or []
            return {"unmaskLog": [*views, view][-MAX_RECORDED_VIEWS:]}

        # Conditional: of two views at the same moment, neither may be lost.
        updated = await update_if_unmodified(self._items.document(item_id), add)
        views: list[Any] = (updated.changes or {}).get("unmaskLog", [])
        return views

    async def mark_replayed(
        self, item_id: str, result: ApplyResult, user: AuthenticatedUser
    ) -> None:
        """Mark an item as replayed, with what the ledger did."""
        fields = {
            "status": "REPLAYED",
            "resolvedBy": user.uid,
            "resolvedAt": self._clock(),
            "outcome": result.outcome.value,
            "reservationId": build_reservation_document_id(result.event.external_key),
            "eventId": result.event.event_id,
        }
        # Unconditional: the event is applied, also if somebody dismissed it in the meantime.
        await update_document(self._items.document(item_id), fields)

    async def dismiss(self, item_id: str, reason: str, user: AuthenticatedUser) -> str:
        """Dismiss an item if it is open; return its status before."""
        fields = {
            "status": "DISMISSED",
            "resolvedBy": user.uid,
            "resolvedAt": self._clock(),
            "dismissReason": reason,
        }

        def dismiss_if_open(item: StoredQuarantineItem | None) -> dict[str, Any] | None:
            return fields if item is not None and item.get("status") == "OPEN" else None

        # Conditional: the record of a replay at the same moment must stay.
        updated = await update_if_unmodified(self._items.document(item_id), dismiss_if_open)
        return str((updated.document or {}).get("status"))


async def replay_quarantined_event(
    restaurant: RestaurantContext, item: Mapping[str, Any], user_uid: str
) -> ApplyResult:
    """Apply a quarantined event; raise InvalidEventError if it is rejected again."""
    event = _build_event(restaurant, item, user_uid)
    return await Ledger(restaurant).apply(event)


async def dry_run_replay(
    restaurant: RestaurantContext, item: Mapping[str, Any], user_uid: str
) -> ApplyResult:
    """Return the result of `replay_quarantined_event` without writing anything."""
    event, ledger = _build_event(restaurant, item, user_uid), Ledger(restaurant)
    with translate_firestore_errors():
        _, decisions = await decide_group(ledger, [event], ledger.create_write_context())
    return build_apply_result(event, decisions[event.external_key])


def _build_event(
    restaurant: RestaurantContext, item: Mapping[str, Any], user_uid: str
) -> ReservationEvent:
    text, received_at = item.get("body"), item.get("receivedAt")
    not_an_event = InvalidEventError(
        "not_an_event", "The body is neither an envelope nor an OpenTable reservation."
    )
    if not isinstance(text, str) or not isinstance(received_at, datetime):
        raise not_an_event
    try:
        body = parse_strict_json(text.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        raise not_an_event from None
    webhook_format = detect_webhook_format(body)
    if webhook_format is None or (
        webhook_format is WebhookFormat.ENVELOPE and not isinstance(body["data"], dict)
    ):
        raise not_an_event
    incoming = IncomingEvent(
        webhook_format,
        body,
        text,
        str(item.get("contentType")),
        received_at,
        Channel.REPLAY,
        accepts_future_timestamp=True,
    )
    return replace(normalize_event(restaurant, incoming), requested_by=user_uid)
