"""Record refused webhooks, and read which webhooks a restaurant received, was refused or missed.

Accepted webhooks are read from the journal and the quarantine, so that they cost no writes of their
own. A repeated webhook changes nothing and is in neither.

A flood of refused webhooks must cost little. Each kind of refusal is logged when it begins, then
once a minute with the number of refusals since. The counts of an existing restaurant are stored
once a minute.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DocumentSnapshot, FieldFilter
from msgspec import Struct

from shared.context import AppContext
from shared.domain.health import (
    MissedWebhooks,
    RefusalWindow,
    WebhookRefusal,
    WebhookSilence,
    merge_refusals,
    refusals_from_document,
    select_unresolved_refusals,
    webhook_silence_from_document,
)
from shared.domain.ledger.events import Channel, is_representable_instant
from shared.domain.settings import parse_settings
from shared.domain.validation import read_map, typed_or_none
from shared.firestore import paths
from shared.firestore.documents import (
    order_newest_first,
    read_document,
    read_documents,
    update_if_unmodified,
)
from shared.firestore.leases import Lease
from shared.firestore.raw_client import DocumentWrite
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.changes import CHANGE_PICKUP_SECONDS

MAX_DELIVERIES = 50
REFUSAL_WINDOW_SECONDS = 60.0
MAX_REFUSAL_WINDOWS = 1_000  # bounds the restaurants that one instance writes in a minute
_REFUSAL_TIMEOUT_SECONDS = 5.0
_JOURNAL_FIELDS = ("receivedAt", "occurredAt", "eventType", "eventId", "outcome", "authentication")
_QUARANTINE_FIELDS = ("lastSeenAt", "reason", "count", "authentication")


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
    """The webhooks that a restaurant received recently.

    Attributes:
        deliveries: Accepted, quarantined and refused webhooks, the newest first.
        unresolved_refusals: See `read_unresolved_refusals`.
        last_journaled_at: Receipt of the newest journaled webhook, UTC; None without one.
    """

    deliveries: list[WebhookDelivery]
    unresolved_refusals: list[WebhookRefusal]
    last_journaled_at: datetime | None


class WebhookCredentialUse(Struct, frozen=True):
    """The authentication of one webhook.

    ``credential_index`` is the position of the matching credential in the list of its scheme at
    that time, 0 for the newest. ``at`` is the time of receipt, UTC.
    """

    scheme: str
    credential_index: int
    at: datetime


async def read_recent_webhooks(
    context: AppContext, restaurant_id: str, limit: int = MAX_DELIVERIES
) -> RecentWebhooks:
    """Return the newest `limit` webhooks, and the refusals without a later accepted one."""
    journaled, quarantined, refusals = await asyncio.gather(
        # Also for a smaller limit: whether a refusal stands depends on later webhooks.
        _read_journaled_webhooks(context, restaurant_id, MAX_DELIVERIES),
        _read_quarantined_webhooks(context, restaurant_id, limit),
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
        [*journaled, *quarantined, *refused], key=lambda delivery: delivery.at, reverse=True
    )
    return RecentWebhooks(
        newest_first[:limit],
        _select_unresolved(refusals, journaled, context.clock()),
        journaled[0].at if journaled else None,
    )


async def read_unresolved_refusals(context: AppContext, restaurant_id: str) -> list[WebhookRefusal]:
    """Return the refusals of the last day without a later accepted webhook, the newest first.

    A later webhook counts if it has the same scheme and is among the newest `MAX_DELIVERIES` in the
    journal. Costs one read, and up to `MAX_DELIVERIES` more if there are refusals.
    """
    refusals = await _read_refusals(context, restaurant_id)
    if not refusals:
        return []
    journaled = await _read_journaled_webhooks(context, restaurant_id, MAX_DELIVERIES)
    return _select_unresolved(refusals, journaled, context.clock())


async def _read_refusals(context: AppContext, restaurant_id: str) -> list[WebhookRefusal]:
    reference = paths.webhook_refusals_document(context.firestore, restaurant_id)
    document = (await read_document(reference)).to_dict()
    return merge_refusals(refusals_from_document(document), (), context.clock())


def _select_unresolved(
    refusals: Sequence[WebhookRefusal], journaled: Sequence[WebhookDelivery], now: datetime
) -> list[WebhookRefusal]:
    last_accepted_at: dict[str, datetime] = {}
    for delivery in journaled:  # the newest first
        if delivery.scheme is not None:
            last_accepted_at.setdefault(delivery.scheme, delivery.at)
    return select_unresolved_refusals(refusals, last_accepted_at, now)


async def _read_journaled_webhooks(
    context: AppContext, restaurant_id: str, limit: int
) -> list[WebhookDelivery]:
    """Return the newest webhooks in the journal, the newest first, without damaged entries."""
    entries = await _read_newest_entries(context, restaurant_id, _JOURNAL_FIELDS, limit)
    deliveries = []
    for snapshot in entries:
        entry, reservation = snapshot.to_dict() or {}, snapshot.reference.parent.parent
        received_at = entry.get("receivedAt")
        if not isinstance(received_at, datetime):
            continue
        scheme, credential_index = _read_authentication(read_map(entry, "authentication"))
        deliveries.append(
            WebhookDelivery(
                at=received_at,
                outcome=str(entry.get("outcome")),
                scheme=scheme,
                credential_index=credential_index,
                event_type=typed_or_none(str, entry.get("eventType")),
                event_id=typed_or_none(str, entry.get("eventId")),
                occurred_at=typed_or_none(datetime, entry.get("occurredAt")),
                reservation_id=reservation.id if reservation else None,
            )
        )
    return deliveries


async def _read_quarantined_webhooks(
    context: AppContext, restaurant_id: str, limit: int
) -> list[WebhookDelivery]:
    """Return the webhooks among the newest `limit` quarantine items, without damaged ones."""
    items = paths.quarantine_collection(context.firestore, restaurant_id)
    newest_first = order_newest_first(items, "lastSeenAt", context.clock())
    deliveries = []
    for snapshot in await read_documents(newest_first.select(_QUARANTINE_FIELDS), limit):
        item = snapshot.to_dict() or {}
        at = item.get("lastSeenAt")
        scheme, credential_index = _read_authentication(read_map(item, "authentication"))
        # Rows of OpenTable's API have no sender.
        if isinstance(at, datetime) and scheme is not None:
            deliveries.append(
                WebhookDelivery(
                    at=at,
                    outcome="quarantined",
                    count=typed_or_none(int, item.get("count")) or 1,
                    scheme=scheme,
                    credential_index=credential_index,
                    reason=typed_or_none(str, item.get("reason")),
                    quarantine_id=snapshot.id,
                )
            )
    return deliveries


def _read_authentication(stored: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Return the scheme and the credential's position of a stored authentication."""
    scheme, index = stored.get("scheme"), stored.get("credentialIndex")
    return typed_or_none(str, scheme), typed_or_none(int, index)


def compute_usage_start(integration: Mapping[str, Any]) -> datetime | None:
    """Return the time from which on credential positions are valid, None if they always were.

    New credentials shift the positions of the older ones, and a process may use the previous list
    until it has read the change. `integration` is the settings document.
    """
    changed_at = typed_or_none(datetime, integration.get("credentialsChangedAt"))
    # A time at the end of the calendar, edited by hand, has none after it.
    if changed_at is None or not is_representable_instant(changed_at):
        return None
    return changed_at + timedelta(seconds=CHANGE_PICKUP_SECONDS)


async def read_last_credential_uses(
    context: AppContext, restaurant_id: str, since: datetime | None
) -> list[WebhookCredentialUse]:
    """Return the last use of each credential among the newest `MAX_DELIVERIES` webhooks.

    Ignores webhooks before `since` (see `compute_usage_start`).
    """
    last_uses: dict[tuple[str, int], WebhookCredentialUse] = {}
    for use in await read_webhook_credential_uses(context, restaurant_id, MAX_DELIVERIES):
        if since is None or use.at >= since:
            last_uses.setdefault((use.scheme, use.credential_index), use)
    return [last_uses[key] for key in sorted(last_uses)]


async def read_webhook_credential_uses(
    context: AppContext, restaurant_id: str, limit: int
) -> list[WebhookCredentialUse]:
    """Return the authentication of the newest `limit` journaled webhooks, newest first."""
    return [
        WebhookCredentialUse(webhook.scheme, webhook.credential_index, webhook.at)
        for webhook in await _read_journaled_webhooks(context, restaurant_id, limit)
        # A damaged entry proves the use of no credential.
        if webhook.scheme is not None and webhook.credential_index is not None
    ]


async def update_webhook_silence(context: AppContext, lease: Lease, missed: MissedWebhooks) -> None:
    """Record the missed webhooks of a run; log once when a silence begins and when it ends."""
    # The usual case: nothing missed, no earlier miss recorded, no read needed.
    if missed.since is None and webhook_silence_from_document(lease.document) == WebhookSilence():
        return
    client, restaurant_id = context.firestore, lease.restaurant_id
    latest_webhook_at, _ = await read_last_webhook(context, restaurant_id)

    def resolve(document: dict[str, Any]) -> tuple[WebhookSilence, WebhookSilence]:
        """Return the state before and after this run."""
        before = webhook_silence_from_document(document)
        if not parse_settings(restaurant_id, document).webhook_auth:
            return before, WebhookSilence()
        return before, before.with_run(missed.since, latest_webhook_at)

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        before, after = resolve(document or {})
        return None if after == before else after.to_update_fields()

    # A poll and a reconciliation may end at the same moment: start from the current state.
    updated = await update_if_unmodified(paths.integration_document(client, restaurant_id), compute)
    before, after = resolve(updated.document or {})
    if after.is_silent and not before.is_silent:
        since = after.missed_since.isoformat() if after.missed_since else None
        log_event(Severity.ERROR, LogEvent.WEBHOOKS_SILENT, restaurantId=restaurant_id, since=since)
    elif before.is_silent and not after.is_silent:
        log_event(Severity.INFO, LogEvent.WEBHOOKS_RECOVERED, restaurantId=restaurant_id)


async def read_last_webhook(
    context: AppContext, restaurant_id: str
) -> tuple[datetime | None, int | None]:
    """Return the time of the newest journaled webhook, UTC, and its lag in seconds."""
    fields = ["receivedAt", "occurredAt"]
    for snapshot in await _read_newest_entries(context, restaurant_id, fields, 1):
        entry = snapshot.to_dict() or {}
        received_at, occurred_at = (typed_or_none(datetime, entry.get(name)) for name in fields)
        if received_at is not None and occurred_at is not None:
            return received_at, max(0, round((received_at - occurred_at).total_seconds()))
        return received_at, None  # damaged
    return None, None


async def _read_newest_entries(
    context: AppContext, restaurant_id: str, fields: Sequence[str], limit: int
) -> list[DocumentSnapshot[Any]]:
    """Return the newest journal entries of webhooks with some of their fields, newest first."""
    entries = (
        context.firestore.collection_group(paths.JOURNAL_COLLECTION)
        .where(filter=FieldFilter("restaurantId", "==", restaurant_id))
        .where(filter=FieldFilter("source", "==", Channel.WEBHOOK.value))
    )
    newest_first = order_newest_first(entries, "receivedAt", context.clock())
    return await read_documents(newest_first.select(fields), limit)


def record_refusal(
    context: AppContext, restaurant_id: str | None, scheme: str, reason: str
) -> None:
    """Count a refused webhook.

    Args:
        restaurant_id: The restaurant, None if it is unknown.
        reason: A code of docs/codes.md#authentication-failures.
    """
    windows, now = context.refusal_windows, context.clock()
    # Beyond the limit, refusals are only logged, all as of an unknown restaurant.
    key = restaurant_id if restaurant_id in windows or len(windows) < MAX_REFUSAL_WINDOWS else None
    if key not in windows:
        windows[key] = RefusalWindow()
        task = asyncio.create_task(_run_refusal_windows(context, key, windows[key]))
        context.background_tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(context.background_tasks.discard)
    window = windows[key]
    if key is not None:
        refusal = WebhookRefusal(scheme, reason, 1, now, now)
        window.unstored = merge_refusals(window.unstored, [refusal], now)
    window.unlogged[scheme, reason] += 1
    if (scheme, reason) not in window.logged:
        _log_refusals(key, window)


async def _run_refusal_windows(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Store and log what a restaurant's windows collect, until one of them stays empty."""
    while window.logged or window.unstored:
        await _store_refusals(context, restaurant_id, window)
        await asyncio.sleep(REFUSAL_WINDOW_SECONDS)
        window.logged = set()
        _log_refusals(restaurant_id, window)
    del context.refusal_windows[restaurant_id]


def _log_refusals(restaurant_id: str | None, window: RefusalWindow) -> None:
    for (scheme, reason), count in window.unlogged.items():
        log_event(
            Severity.WARNING,
            LogEvent.WEBHOOK_UNAUTHENTICATED,
            reason=reason,
            scheme=scheme,
            restaurantId=restaurant_id,
            count=count,
        )
    window.logged |= window.unlogged.keys()
    window.unlogged.clear()


async def _store_refusals(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Add a window's counts to the stored ones; a failed write is repeated a minute later."""
    if restaurant_id is None or not window.unstored:
        return
    refusals, window.unstored = window.unstored, []
    reference = paths.webhook_refusals_document(context.firestore, restaurant_id)
    rpc, now = context.firestore.rpc, context.clock()
    try:
        stored = (await rpc.batch_get([reference], _REFUSAL_TIMEOUT_SECONDS))[reference.path]
        merged = merge_refusals(refusals_from_document(stored.fields), refusals, now)
        fields = {"refusals": [refusal.to_map() for refusal in merged], "updatedAt": now}
        is_create = stored.fields is None
        # Conditional, because another instance may add its counts at the same time.
        write = DocumentWrite(reference, fields, is_create, stored.update_time)
        await rpc.commit([write], _REFUSAL_TIMEOUT_SECONDS)
    except google.GoogleAPIError:
        # A conflict too: in a minute, the counts of the other instance are read.
        window.unstored = merge_refusals(refusals, window.unstored, now)
