"""The health of a restaurant's webhooks, as seen from outside: silence, and credentials in use.

Everything is read from the journal, so a webhook never writes anything for this purpose.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.context import AppContext
from shared.domain.polling import MissedWebhooks, WebhookSilence, webhook_silence_from_document
from shared.domain.settings import parse_settings
from shared.firestore import paths
from shared.firestore.documents import update_if_unmodified
from shared.firestore.leases import Lease
from shared.ingest.deliveries import read_applied_webhooks, read_newest_webhook_entries
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.changes import CHANGE_PICKUP_SECONDS

MAX_WEBHOOKS_READ = 50


class WebhookCredentialUse(Struct, frozen=True):
    """The authentication of one webhook.

    ``position`` is the index of the matching credential in the list of its scheme at that time, 0
    for the newest. ``at`` is the time of receipt, UTC.
    """

    scheme: str
    position: int
    at: datetime


async def update_webhook_silence(context: AppContext, lease: Lease, missed: MissedWebhooks) -> None:
    """Record the missed webhooks of a run; log once when a silence begins and when it ends."""
    # The usual case: nothing missed, no earlier miss recorded, no read needed.
    if missed.since is None and webhook_silence_from_document(lease.document) == WebhookSilence():
        return
    client, restaurant_id = context.firestore, lease.restaurant_id
    latest_webhook_at = await read_last_webhook_at(client, restaurant_id)

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
    client: AsyncClient, restaurant_id: str
) -> tuple[datetime | None, int | None]:
    """Return the time of the newest webhook with a change, and its lag in seconds."""
    fields = ["receivedAt", "occurredAt"]
    for entry in await read_newest_webhook_entries(client, restaurant_id, fields, 1):
        received_at, occurred_at = entry.get("receivedAt"), entry.get("occurredAt")
        if isinstance(received_at, datetime) and isinstance(occurred_at, datetime):
            return received_at, max(0, round((received_at - occurred_at).total_seconds()))
    return None, None


async def read_last_webhook_at(client: AsyncClient, restaurant_id: str) -> datetime | None:
    """Return the time of the newest webhook with a change, UTC; None if there was none."""
    entries = await read_newest_webhook_entries(client, restaurant_id, ["receivedAt"], 1)
    received_at = entries[0].get("receivedAt") if entries else None
    return received_at if isinstance(received_at, datetime) else None


def compute_usage_start(integration: Mapping[str, Any]) -> datetime | None:
    """Return the time since when credential positions are valid, None if they always were.

    New credentials shift the positions of the older ones, and a process may use the previous list
    until it has taken up the change. `integration` is the settings document.
    """
    changed_at = integration.get("credentialsChangedAt")
    if not isinstance(changed_at, datetime):
        return None
    return changed_at + timedelta(seconds=CHANGE_PICKUP_SECONDS)


async def read_last_credential_uses(
    client: AsyncClient, restaurant_id: str, since: datetime | None
) -> list[WebhookCredentialUse]:
    """Return the last use of each credential among the newest `MAX_WEBHOOKS_READ` webhooks.

    Ignores webhooks before `since` (see `compute_usage_start`).
    """
    last_uses: dict[tuple[str, int], WebhookCredentialUse] = {}
    for use in await read_webhook_credential_uses(client, restaurant_id, MAX_WEBHOOKS_READ):
        if since is None or use.at >= since:
            last_uses.setdefault((use.scheme, use.position), use)
    return [last_uses[key] for key in sorted(last_uses)]


async def read_webhook_credential_uses(
    client: AsyncClient, restaurant_id: str, limit: int
) -> list[WebhookCredentialUse]:
    """Return the authentication of the newest `limit` webhooks with a change, newest first."""
    return [
        WebhookCredentialUse(webhook.scheme, webhook.credential_index, webhook.at)
        for webhook in await read_applied_webhooks(client, restaurant_id, limit)
        # A damaged entry proves the use of no credential.
        if webhook.scheme is not None and webhook.credential_index is not None
    ]
