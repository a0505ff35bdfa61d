"""Reconciliations with a held plan, and its execution."""

from datetime import timedelta
from typing import Any

from sandbox.models import SandboxReservation
from shared.reconciliation.plan_execution import execute_held_plan
from tests.support.world import START_TIME, HiddenReservations, World

VISIT_TIME = START_TIME + timedelta(days=2)
RESERVATION_COUNT = 22


async def read_report(world: World, report_id: str) -> dict[str, Any]:
    return (await world.reports_collection.document(report_id).get()).to_dict() or {}


async def execute_plan(world: World, report_id: str) -> dict[str, Any]:
    """Force a plan and return its stored report."""
    result = await execute_held_plan(world.context, world.restaurant.id, report_id, 30)
    return await read_report(world, result["reportId"])


async def hold_plan_with_updates(world: World) -> tuple[list[SandboxReservation], str]:
    """Return reservations with updates in a held plan, and the held report's id."""
    reservations = [world.actions.create(VISIT_TIME, 2) for _ in range(RESERVATION_COUNT)]
    await world.poll()
    for reservation in reservations:
        world.actions.change_party_size(reservation.key, 5)
    report = await world.reconcile()
    assert report["status"] == "HELD"
    return reservations, report["reportId"]


async def hold_plan_with_missing(world: World) -> tuple[list[SandboxReservation], str]:
    """Return reservations missing in OpenTable's response once, and the held report's id."""
    reservations = [world.actions.create(VISIT_TIME, 2) for _ in range(RESERVATION_COUNT)]
    await world.poll()
    with HiddenReservations(world, *(reservation.key for reservation in reservations)):
        report = await world.reconcile()
    assert report["status"] == "HELD"
    return reservations, report["reportId"]


def external_keys(entries: list[dict[str, Any]]) -> set[str]:
    return {entry["externalId"] for entry in entries}
