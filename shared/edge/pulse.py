"""When a restaurant's webhooks were last heard, at the price of one read."""

from datetime import datetime

from google.cloud.firestore import AsyncClient, AsyncQuery, FieldFilter

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
    entries = client.collection_group(paths.JOURNAL)
    heard = entries.where(filter=FieldFilter("restaurantId", "==", restaurant_id)).where(
        filter=FieldFilter("source", "==", Source.WEBHOOK.value)
    )
    newest = heard.order_by("receivedAt", direction=AsyncQuery.DESCENDING)
    found = await read_some(newest.select(["receivedAt"]), 1)
    return found[0].get("receivedAt") if found else None
