"""Reservations of one day, from both systems."""

from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import AsyncDocumentReference

from shared.ledger.ledger import Ledger
from tests.support.events import envelope_event
from tests.support.world import World

BUSINESS_DAY = "2026-03-14"
WRITTEN_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def apply_envelope(world: World, kind: str = "created", minute: int = 0, **data: Any) -> None:
    """Apply a relay's envelope (see `tests.support.events.envelope_body`)."""
    await Ledger(world.restaurant_context()).apply(envelope_event(kind, minute, **data))


async def write_native_reservation(
    world: World, document_id: str = "own-1", **fields: Any
) -> AsyncDocumentReference:
    """Write a reservation of Lineup's own, as another part of the app does."""
    start = datetime(2026, 3, 14, 22, 30, tzinfo=UTC)
    document = {
        "id": document_id,
        "restaurantId": world.restaurant.id,
        "source": {"system": "LINEUP", "channel": "walk-in"},
        "startAt": "2026-03-14T22:30:00Z",
        "startAtTimestamp": start,
        "localDate": BUSINESS_DAY,
        "partySize": 2,
        "dinerName": "Grace Hopper",
        "dinerId": "diner-9",
        "phone": "+15550100",
        "status": "CONFIRMED",
        "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
        "metadata": {"specialRequests": "Window", "tableNumbers": ["7"]},
        "createdAt": WRITTEN_AT,
        "updatedAt": WRITTEN_AT,
        **fields,
    }
    reference = world.reservations_collection.document(document_id)
    await reference.set(document)
    return reference
