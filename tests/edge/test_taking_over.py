"""A document that an earlier app left under a reservation's name is taken over, not fallen over."""

from datetime import UTC, datetime

from shared.edge import paths
from tests.held import VISIT_TIME
from tests.world import World, differing_keys

EARLIER = {
    "status": "confirmed",
    "partySize": "2",
    "statusHistory": [{"status": "confirmed", "timestamp": "2026-03-01T12:00:00Z"}],
    "metadata": {"colour": "blue"},
    "createdAt": datetime(2026, 3, 1, tzinfo=UTC),
}


async def test_an_existing_document_is_corrected_and_foreign_fields_are_unchanged(
    world: World,
) -> None:
    booked, other = world.desk.create(VISIT_TIME, 4), world.desk.create(VISIT_TIME, 3)
    document = paths.reservation_document(
        world.services.firestore, world.restaurant.id, booked.key.lower()
    )
    await document.set(EARLIER)
    assert (await world.poll())["status"] == "ok"
    ledger = await world.ledger_documents()
    assert differing_keys(world.opentable_reservations(), ledger) == []
    assert ledger[booked.key.lower()]["metadata"]["colour"] == "blue"
    assert other.key.lower() in ledger
