"""Check the end of every run: one poll and one reconciliation repair any loss of webhooks."""

from datetime import timedelta
from typing import Any

from shared.firestore import paths
from tests.stateful.expected_state import diff_from_journals, find_mistakes, read_update_times
from tests.stateful.faults import NO_FAULT
from tests.stateful.restaurant import MachineRestaurant
from tests.stateful.workers import NATIVE_RESERVATION_ID, run_concurrently
from tests.support.world import NEW_YORK

# Longer than the lease of a killed run.
_LEASE_SECONDS = 541


async def assert_recovers(restaurant: MachineRestaurant) -> None:
    """Poll, reconcile, and find the ledger level; reconcile again, and find nothing.

    Damaged documents are left alone, and stop nothing. Once they are mended and the quarantine is
    replayed, they recover too.
    """
    restaurant.make_rows_readable()
    if restaurant.damaged.originals:
        await _poll_and_reconcile(restaurant)
        await _assert_ledger_equals_opentable(restaurant)
        await restaurant.damaged.mend(restaurant.world)
        await run_concurrently((restaurant.workers[0], "replay all", NO_FAULT))
    await _poll_and_reconcile(restaurant)
    await _assert_ledger_equals_opentable(restaurant)
    await _assert_second_run_changes_nothing(restaurant)


async def _poll_and_reconcile(restaurant: MachineRestaurant) -> None:
    restaurant.world.clock.advance(_LEASE_SECONDS)
    (polled,) = await run_concurrently((restaurant.workers[0], "poll", NO_FAULT))
    assert polled["status"] == "ok", polled
    (first,) = await run_concurrently((restaurant.workers[1], "reconcile", NO_FAULT))
    assert first["status"] == "COMPLETED", first


async def _assert_ledger_equals_opentable(restaurant: MachineRestaurant) -> None:
    world = restaurant.world
    ledger = await _read_undamaged(restaurant)
    since = world.clock().astimezone(NEW_YORK).date() - timedelta(days=1)
    damaged_keys = {key.removeprefix("opentable-") for key in restaurant.damaged.originals}
    mistakes_found = find_mistakes(
        world.sandbox.store, restaurant.rid, ledger, since, ignored_keys=damaged_keys
    )
    assert not mistakes_found, mistakes_found
    differences = await diff_from_journals(world.context.firestore, world.restaurant.id, ledger)
    assert not differences, differences
    await _assert_native_reservation_consistent(restaurant)


async def _read_undamaged(restaurant: MachineRestaurant) -> dict[str, dict[str, Any]]:
    """Return the documents by external key, apart from the damaged ones."""
    damaged_ids = {*restaurant.damaged.originals, NATIVE_RESERVATION_ID}
    return {
        snapshot.id.removeprefix("opentable-"): snapshot.to_dict() or {}
        async for snapshot in restaurant.world.reservations_collection.stream()
        if snapshot.id not in damaged_ids
    }


async def _assert_native_reservation_consistent(restaurant: MachineRestaurant) -> None:
    """Assert that the native reservation is both cancelled and journaled, or neither."""
    reservation = restaurant.world.reservations_collection.document(NATIVE_RESERVATION_ID)
    status = ((await reservation.get()).to_dict() or {})["status"]
    journaled = [entry.id async for entry in paths.journal_collection(reservation).stream()]
    assert (status, len(journaled)) in {("CONFIRMED", 0), ("CANCELLED", 1)}


async def _assert_second_run_changes_nothing(machine: MachineRestaurant) -> None:
    client = machine.world.context.firestore
    before = await read_update_times(client)
    (second,) = await run_concurrently((machine.workers[0], "reconcile", NO_FAULT))
    found = {kind: second[kind] for kind in ("created", "updated", "cancelled", "divergences")}
    assert not any(found.values()), found
    after = await read_update_times(client)
    written = {path for path, time in after.items() if before.get(path) != time}
    names = {path.partition("/documents/")[2] or path for path in written}
    restaurant = f"restaurants/{machine.world.restaurant.id}"
    assert names == {
        f"{restaurant}/integrations/opentable",  # its lease, given back
        f"{restaurant}/reconciliationReports/{second['reportId']}",
    }
