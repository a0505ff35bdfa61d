"""What the journal tells of the webhooks that a restaurant heard last, at a read an entry.

The silence alarm: raised and ended by the runs, never by a webhook.

By which proofs a restaurant's webhooks were let in lately: whether a rotation is over.

When each of the live credentials was last used, as far as its place in the list tells.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter
from msgspec import Struct

from shared.context import AppContext
from shared.domain.ledger.events import Channel
from shared.domain.polling import MissedWebhooks, WebhookSilence, webhook_silence_from_document
from shared.domain.settings import parse_settings
from shared.firestore import paths
from shared.firestore.documents import read_documents, update_if_unmodified
from shared.firestore.leases import Lease
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.secrets import SECRETS_CACHE_SECONDS


async def read_last_webhook_at(client: AsyncClient, restaurant_id: str) -> datetime | None:
    """Return when a webhook last told something new, UTC; None where none ever did.

    The journal tells, which each webhook writes in any case: nothing is kept just for this.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    entries = await latest_webhook_entries(client, restaurant_id, ["receivedAt"], 1)
    return entries[0].get("receivedAt") if entries else None


async def latest_webhook_entries(
    client: AsyncClient, restaurant_id: str, fields: Sequence[str], limit: int
) -> list[DocumentSnapshot[Any]]:
    """Return the journal entries of a restaurant's newest webhooks, newest first.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        fields: Which of an entry's fields are read.
        limit: How many entries are read.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    entries = client.collection_group(paths.JOURNAL_COLLECTION)
    webhook_entries = entries.where(filter=FieldFilter("restaurantId", "==", restaurant_id)).where(
        filter=FieldFilter("source", "==", Channel.WEBHOOK.value)
    )
    query = webhook_entries.order_by("receivedAt", direction=AsyncQuery.DESCENDING)
    return await read_documents(query.select(fields), limit)


async def update_webhook_silence(context: AppContext, lease: Lease, missed: MissedWebhooks) -> None:
    """Note what a run tells of a restaurant's webhooks; a change of the alarm is logged once.

    It costs nothing while nothing is missed.

    Args:
        context: The process's services.
        lease: The run's.
        missed: What it found in the webhooks' stead.

    Raises:
        LedgerUnavailableError: When it could not be noted.
    """
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


class WebhookCredentialUse(Struct, frozen=True):
    """How one webhook that told something new had proved its origin.

    Attributes:
        scheme: The scheme.
        position: Which of the keys live at the time matched, 0 the newest.
        at: When it was received, UTC.
    """

    scheme: str
    position: int
    at: datetime


async def read_webhook_credential_uses(
    client: AsyncClient, restaurant_id: str, limit: int
) -> list[WebhookCredentialUse]:
    """Return the proofs of a restaurant's newest webhooks, newest first.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        limit: How many journal entries are read.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    snapshots = await latest_webhook_entries(client, restaurant_id, ["receivedAt", "proof"], limit)
    entries = [snapshot.to_dict() or {} for snapshot in snapshots]
    return [_parse_credential_use(entry) for entry in entries if entry.get("proof")]


def _parse_credential_use(entry: dict[str, Any]) -> WebhookCredentialUse:
    authentication = entry["proof"]
    return WebhookCredentialUse(
        authentication["scheme"], int(authentication["credentialIndex"] or 0), entry["receivedAt"]
    )


MAX_WEBHOOKS_READ = 50


def compute_usage_start(integration: Mapping[str, Any]) -> datetime | None:
    """Return since when a position means what it means now; None where it always did.

    New credentials move the older ones down, and a process may know the lists of before for
    as long as it keeps a secret.

    Args:
        integration: The settings document as stored.
    """
    entered_at = integration.get("credentialsChangedAt")
    return (
        entered_at + timedelta(seconds=SECRETS_CACHE_SECONDS)
        if isinstance(entered_at, datetime)
        else None
    )


async def read_last_credential_uses(
    client: AsyncClient, restaurant_id: str, since: datetime | None
) -> list[WebhookCredentialUse]:
    """Return the last use of each credential that the newest `MAX_WEBHOOKS_READ` came with.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        since: Webhooks from before it are left out; see `compute_usage_start`.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    credential_uses = await read_webhook_credential_uses(client, restaurant_id, MAX_WEBHOOKS_READ)
    return _select_last_per_credential(
        credential_use
        for credential_use in credential_uses
        if since is None or credential_use.at >= since
    )


def _select_last_per_credential(
    newest_first: Iterable[WebhookCredentialUse],
) -> list[WebhookCredentialUse]:
    last_uses_by_credential: dict[tuple[str, int], WebhookCredentialUse] = {}
    for credential_use in newest_first:
        last_uses_by_credential.setdefault(
            (credential_use.scheme, credential_use.position), credential_use
        )
    return [last_uses_by_credential[key] for key in sorted(last_uses_by_credential)]
