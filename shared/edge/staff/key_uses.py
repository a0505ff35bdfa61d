"""When each of the live credentials was last used, as far as its place in the list tells."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient

from shared.edge.secrets import SECRETS_CACHE_SECONDS
from shared.edge.staff.proofs import WebhookCredentialUse, read_webhook_credential_uses

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
