"""What the journal tells of the webhooks that a restaurant heard last, at a read an entry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter

from shared.core.change import Source
from shared.edge import paths
from shared.edge.reading import read_some


async def last_webhook_at(client: AsyncClient, restaurant_id: str) -> datetime | None:
    """Return when a webhook last told something new, UTC; None where none ever did.

    The journal tells, which each webhook writes in any case: nothing is kept just for this.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    found = await newest_heard(client, restaurant_id, ["receivedAt"], 1)
    return found[0].get("receivedAt") if found else None


async def newest_heard(
    client: AsyncClient, restaurant_id: str, fields: Sequence[str], most: int
) -> list[DocumentSnapshot[Any]]:
    """Return the journal entries of a restaurant's newest webhooks, newest first.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        fields: Which of an entry's fields are read.
        most: How many entries are read.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    entries = client.collection_group(paths.JOURNAL)
    heard = entries.where(filter=FieldFilter("restaurantId", "==", restaurant_id)).where(
        filter=FieldFilter("source", "==", Source.WEBHOOK.value)
    )
    newest = heard.order_by("receivedAt", direction=AsyncQuery.DESCENDING)
    return await read_some(newest.select(fields), most)
