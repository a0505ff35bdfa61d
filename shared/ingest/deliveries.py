"""List a restaurant's recent webhooks and its standing refusals, for status, health and the page.

Accepted webhooks are read from the journal and the quarantine, so that they cost no writes of their
own. A repeated webhook changes nothing and is in neither.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter
from msgspec import Struct

from shared.context import AppContext
from shared.domain.ledger.events import Channel
from shared.domain.webhook_refusals import (
    WebhookRefusal,
    merge_refusals,
    refusals_from_document,
    select_standing_refusals,
)
from shared.firestore import paths
from shared.firestore.documents import read_document, read_documents

MAX_DELIVERIES = 50
_JOURNAL_FIELDS = ("receivedAt", "occurredAt", "eventType", "eventId", "outcome", "proof")
_QUARANTINE_FIELDS = ("receivedAt", "lastSeenAt", "reason", "count", "verdict")


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """One received webhook, or several equal ones.

    Attributes:
        at: Time of receipt, UTC; of the newest one if there are several.
        outcome: ``created``, ``updated``, ``unchanged``, ``stale``, ``quarantined`` or ``refused``.
        count: How many webhooks this is. Refusals are counted by scheme and reason.
        scheme: How the sender authenticated, or tried to.
        credential_index: Position of the matching credential at that time, 0 the newest.
        reason: The code of a quarantined or refused webhook.
        event_type: Such as ``reservation.created``; ``reservation.snapshot`` for OpenTable's v3.
        occurred_at: The sender's time of the event, UTC; receipt minus this is the delay.
        reservation_id: The reservation's document.
    """

    at: datetime
    outcome: str
    count: int = 1
    scheme: str | None = None
    credential_index: int | None = None
    reason: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    occurred_at: datetime | None = None
    reservation_id: str | None = None
    quarantine_id: str | None = None


class RecentWebhooks(Struct, frozen=True):
    """What reached the restaurant's webhook address recently.

    Attributes:
        deliveries: Accepted, quarantined and refused webhooks, the newest first.
        standing_refusals: The refusals of the last day that no accepted webhook followed.
        last_applied_at: Receipt of the newest webhook with a change, UTC; None without one.
    """

    deliveries: list[WebhookDelivery]
    standing_refusals: list[WebhookRefusal]
    last_applied_at: datetime | None


async def read_recent_webhooks(
    context: AppContext, restaurant_id: str, limit: int = MAX_DELIVERIES
) -> RecentWebhooks:
    """Return the newest `limit` webhooks, and the refusals that stand."""
    client = context.firestore
    applied, quarantined, refusals = await asyncio.gather(
        # Also for a smaller limit: whether a refusal stands depends on later webhooks.
        read_applied_webhooks(client, restaurant_id, MAX_DELIVERIES),
        read_quarantined_webhooks(client, restaurant_id, limit),
        _read_refusals(context, restaurant_id),
    )
    refused = [
        WebhookDelivery(
            at=refusal.last_at,
            outcome="refused",
            count=refusal.count,
            scheme=refusal.scheme,
            reason=refusal.reason,
        )
        for refusal in refusals
    ]
    newest_first = sorted(
        [*applied, *quarantined, *refused], key=lambda delivery: delivery.at, reverse=True
    )
    return RecentWebhooks(
        newest_first[:limit],
        _select_standing(refusals, applied, context.clock()),
        applied[0].at if applied else None,
    )


async def read_standing_refusals(context: AppContext, restaurant_id: str) -> list[WebhookRefusal]:
    """Return the refusals of the last day that no accepted webhook followed, the newest first.

    Costs one read, and up to `MAX_DELIVERIES` more if there are refusals.
    """
    refusals = await _read_refusals(context, restaurant_id)
    if not refusals:
        return []
    applied = await read_applied_webhooks(context.firestore, restaurant_id, MAX_DELIVERIES)
    return _select_standing(refusals, applied, context.clock())


async def _read_refusals(context: AppContext, restaurant_id: str) -> list[WebhookRefusal]:
    reference = paths.webhook_refusals_document(context.firestore, restaurant_id)
    document = (await read_document(reference)).to_dict()
    return merge_refusals(refusals_from_document(document), (), context.clock())


def _select_standing(
    refusals: Sequence[WebhookRefusal], applied: Sequence[WebhookDelivery], now: datetime
) -> list[WebhookRefusal]:
    last_accepted_at: dict[str, datetime] = {}
    for delivery in applied:  # the newest first
        if delivery.scheme is not None:
            last_accepted_at.setdefault(delivery.scheme, delivery.at)
    return select_standing_refusals(refusals, last_accepted_at, now)


async def read_applied_webhooks(
    client: AsyncClient, restaurant_id: str, limit: int
) -> list[WebhookDelivery]:
    """Return the newest webhooks with a change, the newest first, without damaged entries."""
    entries = await read_newest_webhook_entries(client, restaurant_id, _JOURNAL_FIELDS, limit)
    deliveries = []
    for snapshot in entries:
        entry, reservation = snapshot.to_dict() or {}, snapshot.reference.parent.parent
        received_at, occurred_at = entry.get("receivedAt"), entry.get("occurredAt")
        if not isinstance(received_at, datetime):
            continue
        scheme, credential_index = _read_proof(entry.get("proof"))
        deliveries.append(
            WebhookDelivery(
                at=received_at,
                outcome=str(entry.get("outcome")),
                scheme=scheme,
                credential_index=credential_index,
                event_type=_text_or_none(entry.get("eventType")),
                event_id=_text_or_none(entry.get("eventId")),
                occurred_at=occurred_at if isinstance(occurred_at, datetime) else None,
                reservation_id=reservation.id if reservation else None,
            )
        )
    return deliveries


async def read_quarantined_webhooks(
    client: AsyncClient, restaurant_id: str, limit: int
) -> list[WebhookDelivery]:
    """Return the webhooks among the newest `limit` quarantine items, without damaged ones."""
    items = paths.quarantine_collection(client, restaurant_id)
    by_last_seen = items.order_by("lastSeenAt", direction=AsyncQuery.DESCENDING)
    deliveries = []
    for snapshot in await read_documents(by_last_seen.select(_QUARANTINE_FIELDS), limit):
        item = snapshot.to_dict() or {}
        at, count = item.get("lastSeenAt", item.get("receivedAt")), item.get("count")
        scheme, credential_index = _read_proof(item.get("verdict"))
        # Rows of OpenTable's API have no sender.
        if isinstance(at, datetime) and scheme is not None:
            deliveries.append(
                WebhookDelivery(
                    at=at,
                    outcome="quarantined",
                    count=count if isinstance(count, int) else 1,
                    scheme=scheme,
                    credential_index=credential_index,
                    reason=_text_or_none(item.get("reason")),
                    quarantine_id=snapshot.id,
                )
            )
    return deliveries


async def read_newest_webhook_entries(
    client: AsyncClient, restaurant_id: str, fields: Sequence[str], limit: int
) -> list[DocumentSnapshot[Any]]:
    """Return some fields of the newest journal entries that webhooks wrote, newest first."""
    query = (
        client.collection_group(paths.JOURNAL_COLLECTION)
        .where(filter=FieldFilter("restaurantId", "==", restaurant_id))
        .where(filter=FieldFilter("source", "==", Channel.WEBHOOK.value))
        .order_by("receivedAt", direction=AsyncQuery.DESCENDING)
        .select(fields)
    )
    return await read_documents(query, limit)


def _read_proof(proof: object) -> tuple[str | None, int | None]:
    """Return the scheme and the credential's position of a stored authentication."""
    if not isinstance(proof, Mapping):
        return None, None
    index = proof.get("credentialIndex")
    return _text_or_none(proof.get("scheme")), index if isinstance(index, int) else None


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
