"""A document that an earlier app left under a reservation's name is taken over, not fallen over."""

from datetime import UTC, datetime

from shared.edge import paths
from tests.held import SOON
from tests.world import World, disagreements

EARLIER = {
    "status": "confirmed",
    "partySize": "2",
    "statusHistory": [{"status": "confirmed", "timestamp": "2026-03-01T12:00:00Z"}],
    "metadata": {"colour": "blue"},
    "createdAt": datetime(2026, 3, 1, tzinfo=UTC),
}


async def test_it_is_brought_level_and_keeps_what_is_not_ours(world: World) -> None:
    booked, other = world.desk.create(SOON, 4), world.desk.create(SOON, 3)
    document = paths.reservation_document(
        world.services.firestore, world.restaurant.id, booked.key.lower()
    )
    await document.set(EARLIER)
    assert (await world.poll())["status"] == "ok"
    ledger = await world.ledger()
    assert disagreements(world.book(), ledger) == []
    assert ledger[booked.key.lower()]["metadata"]["colour"] == "blue"
    assert other.key.lower() in ledger
