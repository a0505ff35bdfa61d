"""By which proofs a restaurant's webhooks were let in lately: whether a rotation is over."""

from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.edge.pulse import latest_webhook_entries


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
