"""The quarantine as its keepers work through it: look, and note what was done with an item.

Replaying a quarantined statement: in by the front door, only later.

Its sender proved who it is when it came; that verdict stays with the item and is not judged
anew, as its signature has long expired. Its place in time is the one that it had then.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter

from shared.context import AppContext
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.normalization.strict_json import (
    InvalidJsonError,
    WebhookFormat,
    detect_webhook_format,
    parse_strict_json,
)
from shared.domain.privacy import is_expired
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import read_document, read_documents, translate_firestore_errors
from shared.ingest.events import IncomingEvent, normalize_event
from shared.ledger.batch import decide_group
from shared.ledger.ledger import ApplyResult, Ledger, build_apply_result, open_ledger
from shared.staff.auth import AuthenticatedUser

MAX_RECORDED_VIEWS = 50
_WRITE_TIMEOUT_SECONDS = 5.0
_EXPIRY_FIELD = "quarantineExpireAt"
_SUMMARY_FIELDS = ("reason", "detail", "receivedAt", "lastSeenAt", "count", "status", _EXPIRY_FIELD)
StoredQuarantineItem = dict[str, Any]


class QuarantineReview:
    """Works through one restaurant's quarantine.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        clock: The current time, UTC.

    Every method raises `ServiceUnavailableError` when Firestore cannot be asked now.
    """

    def __init__(
        self, client: AsyncClient, restaurant_id: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._items = paths.quarantine_collection(client, restaurant_id)
        self._clock = clock

    async def list_newest(self, limit: int) -> dict[str, StoredQuarantineItem]:
        """Return at most so many items without their bodies: open ones first, then newest first."""
        items_by_id = await self._read_summaries(self._query_by_status("OPEN"), limit)
        if len(items_by_id) < limit:
            resolved_query = self._query_by_status("REPLAYED", "DISMISSED")
            items_by_id |= await self._read_summaries(resolved_query, limit - len(items_by_id))
        return items_by_id

    async def read_item(self, item_id: str) -> StoredQuarantineItem | None:
        """Return an item whole, None where there is none or it has expired."""
        if not is_document_id(item_id):
            return None
        item = (await read_document(self._items.document(item_id))).to_dict()
        return None if item is None or is_expired(item, _EXPIRY_FIELD, self._clock()) else item

    async def record_view(
        self, item_id: str, item: StoredQuarantineItem, user: AuthenticatedUser
    ) -> None:
        """Write in an item who is about to see its personal data; the newest views are kept."""
        view = {"by": user.uid, "at": self._clock()}
        views = [*(item.get("unmaskLog") or ()), view][-MAX_RECORDED_VIEWS:]
        await self._update_item(item_id, {"unmaskLog": views})

    async def resolve(
        self, item_id: str, status: str, user: AuthenticatedUser, **fields: object
    ) -> None:
        """Write in an item that it is settled.

        Args:
            item_id: The item's.
            status: ``REPLAYED`` or ``DISMISSED``.
            user: Who settled it.
            fields: What became of it.
        """
        resolution = {"status": status, "settledBy": user.uid, "settledAt": self._clock()}
        await self._update_item(item_id, resolution | fields)

    def _query_by_status(self, *statuses: str) -> AsyncQuery:
        return self._items.where(filter=FieldFilter("status", "in", list(statuses)))

    async def _read_summaries(
        self, query: AsyncQuery, limit: int
    ) -> dict[str, StoredQuarantineItem]:
        newest_first = query.order_by("receivedAt", direction=AsyncQuery.DESCENDING).select(
            _SUMMARY_FIELDS
        )
        items_by_id = {
            snapshot.id: snapshot.to_dict() or {}
            for snapshot in await read_documents(newest_first, limit)
        }
        now = self._clock()
        return {
            id_: item
            for id_, item in items_by_id.items()
            if not is_expired(item, _EXPIRY_FIELD, now)
        }

    async def _update_item(self, item_id: str, fields: dict[str, Any]) -> None:
        with translate_firestore_errors():
            reference = self._items.document(item_id)
            await reference.update(fields, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)


async def replay_quarantined_event(
    context: AppContext, settings: IntegrationSettings, item: Mapping[str, Any]
) -> ApplyResult:
    """Apply a quarantined statement as if it came now, dated by when it first came.

    Args:
        context: The process's services.
        settings: The restaurant's.
        item: The quarantine item.

    Raises:
        RejectedStatementError: When it still cannot be applied; it stays where it is.
        LedgerUnavailableError: When it could not be committed now.
    """
    event = _build_event(settings, item)
    return await open_ledger(context, settings).apply(event)


async def dry_run_replay(
    context: AppContext, settings: IntegrationSettings, item: Mapping[str, Any]
) -> ApplyResult:
    """Return what `replay_quarantined_event` would do, writing nothing; it raises the same."""
    event = _build_event(settings, item)
    return await _decide_without_commit(open_ledger(context, settings), event)


async def _decide_without_commit(ledger: Ledger, event: ReservationEvent) -> ApplyResult:
    try:
        _, decisions = await decide_group(ledger, [event], ledger.new_write_context())
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return build_apply_result(event, decisions[event.external_key])


def _build_event(settings: IntegrationSettings, item: Mapping[str, Any]) -> ReservationEvent:
    text = item["body"]
    try:
        body = parse_strict_json(text.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        raise _build_not_an_event_error() from None
    shape = detect_webhook_format(body)
    if shape is None or (shape is WebhookFormat.ENVELOPE and not isinstance(body["data"], dict)):
        raise _build_not_an_event_error()
    content_type, received_at = item["contentType"], item["receivedAt"]
    incoming_event = IncomingEvent(
        shape, body, text, content_type, received_at, Channel.REPLAY, is_reviewed=True
    )
    return normalize_event(settings, incoming_event)


def _build_not_an_event_error() -> InvalidEventError:
    return InvalidEventError(
        "not_an_event", "The body is neither an envelope nor OpenTable's object."
    )
