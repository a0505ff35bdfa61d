"""The end of every run: all webhooks may be lost, one poll and one reconciliation must do."""

from datetime import timedelta

from shared.edge import paths
from tests.machine.mortal import UNHARMED
from tests.machine.town import Town
from tests.machine.truth import footprint, mistakes, unfolded
from tests.machine.workers import OWN, run_at_once
from tests.world import NEW_YORK

# Longer than the lease of any run that died.
_LEASE_SECONDS = 541


async def assert_levels(town: Town) -> None:
    """Poll, reconcile, and find the ledger level; reconcile again, and find nothing."""
    world = town.world
    town.mend()
    world.clock.advance(_LEASE_SECONDS)
    (polled,) = await run_at_once((town.workers[0], "poll", UNHARMED))
    assert polled["status"] == "ok", polled
    (first,) = await run_at_once((town.workers[1], "reconcile", UNHARMED))
    assert first["status"] == "COMPLETED", first
    await _assert_level(town)
    await _assert_nothing_is_left(town)


async def _assert_level(town: Town) -> None:
    world = town.world
    ledger = await world.ledger()
    since = world.clock().astimezone(NEW_YORK).date() - timedelta(days=1)
    wrong = mistakes(world.sandbox.store, town.rid, ledger, since)
    assert not wrong, wrong
    astray = await unfolded(world.services.firestore, world.restaurant.id, ledger)
    assert not astray, astray
    await _assert_own_is_whole(town)


async def _assert_own_is_whole(town: Town) -> None:
    """See that Lineup's own reservation is cancelled and journaled, or neither."""
    reservations = paths.reservations_collection(
        town.world.services.firestore, town.world.restaurant.id
    )
    own = reservations.document(OWN)
    status = ((await own.get()).to_dict() or {})["status"]
    journaled = [entry.id async for entry in paths.journal_collection(own).stream()]
    assert (status, len(journaled)) in {("CONFIRMED", 0), ("CANCELLED", 1)}


async def _assert_nothing_is_left(town: Town) -> None:
    client = town.world.services.firestore
    before = await footprint(client)
    (second,) = await run_at_once((town.workers[0], "reconcile", UNHARMED))
    found = {kind: second[kind] for kind in ("created", "updated", "cancelled", "divergences")}
    assert not any(found.values()), found
    after = await footprint(client)
    written = {path for path, time in after.items() if before.get(path) != time}
    names = {path.partition("/documents/")[2] or path for path in written}
    restaurant = f"restaurants/{town.world.restaurant.id}"
    assert names == {
        f"{restaurant}/integrations/opentable",  # its lease, given back
        f"{restaurant}/reconciliationReports/{second['reportId']}",
    }
