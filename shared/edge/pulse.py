"""What the journal tells of the webhooks that a restaurant heard last, at a read an entry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter

from shared.core.change import Channel
from shared.edge import paths
from shared.edge.reading import read_documents


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
