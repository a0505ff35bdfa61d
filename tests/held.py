"""Plans that the brake held, and what becomes of them."""

from datetime import timedelta
from typing import Any

from dev.sandbox.records import SandboxReservation
from shared.edge import paths
from shared.edge.forcing import force_held_report
from tests.hidden import Hidden
from tests.world import BEGINNING, World

SOON = BEGINNING + timedelta(days=2)
MANY = 22


async def stored(world: World, report_id: str) -> dict[str, Any]:
    reports = paths.reports_collection(world.services.firestore, world.restaurant.id)
    return (await reports.document(report_id).get()).to_dict() or {}


async def force(world: World, report_id: str) -> dict[str, Any]:
    """Force a plan and return the stored report of that."""
    answer = await force_held_report(world.services, world.restaurant.id, report_id, 30)
    return await stored(world, answer["reportId"])


async def held_for_updates(world: World) -> tuple[list[SandboxReservation], str]:
    """Return reservations that a held plan would resize, and the held report's id."""
    booked = [world.desk.create(SOON, 2) for _ in range(MANY)]
    await world.poll()
    for reservation in booked:
        world.desk.change_party_size(reservation.key, 5)
    report = await world.reconcile()
    assert report["status"] == "HELD"
    return booked, report["reportId"]


async def held_for_missing(world: World) -> tuple[list[SandboxReservation], str]:
    """Return reservations that OpenTable's answer lacked once, and the held report's id."""
    booked = [world.desk.create(SOON, 2) for _ in range(MANY)]
    await world.poll()
    with Hidden(world, *(reservation.key for reservation in booked)):
        report = await world.reconcile()
    assert report["status"] == "HELD"
    return booked, report["reportId"]


def keys(entries: list[dict[str, Any]]) -> set[str]:
    return {entry["externalId"] for entry in entries}
