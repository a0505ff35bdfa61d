"""A restore brings back what is missing, overwrites nothing and restores no erased person."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dev.bootstrap import ROOT
from shared.backup import COLLECTION_IDS, IntegrationEnabledError, InvalidBackupError
from shared.firestore import paths
from shared.restaurants.settings import RidTakenError
from tests.support.backups import (
    lose_restaurant,
    read_backup_lines,
    restore_lines,
    without_run_state,
)
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, MarkedDiner
from tests.support.world import World


@pytest.fixture
async def diner(world: World) -> MarkedDiner:
    """A restaurant with documents of every kind, most of them about one person."""
    diner = MarkedDiner(GuestScenario(world))
    await diner.create_everywhere()
    return diner


async def test_a_lost_restaurant_is_restored_as_it_was(diner: MarkedDiner) -> None:
    before = await diner.scenario.all_documents()
    lines = await read_backup_lines(diner.world)
    await lose_restaurant(diner.world)
    result = await restore_lines(diner.world, lines)
    after = await diner.scenario.all_documents()
    assert without_run_state(after) == without_run_state(before)
    # The restaurant's own document does not exist: it only has collections.
    count = sum(bool(document) for document in before.values())
    assert (result.created.total(), result.existing, result.rebuilt) == (count, 0, [])


async def test_a_restored_restaurant_stays_disabled(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    await lose_restaurant(diner.world)
    await restore_lines(diner.world, lines)
    assert (await diner.world.poll())["status"] == "disabled"


async def test_a_second_restore_creates_nothing(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    await diner.world.change_settings(enabled=False)
    before = await diner.scenario.all_documents()
    result = await restore_lines(diner.world, lines)
    assert (result.created.total(), result.rebuilt, result.erased_places) == (0, [], 0)
    assert await diner.scenario.all_documents() == before


async def test_an_enabled_integration_is_not_restored(diner: MarkedDiner) -> None:
    with pytest.raises(IntegrationEnabledError):
        await restore_lines(diner.world, await read_backup_lines(diner.world))


async def test_a_rid_of_another_restaurant_is_not_taken(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    await lose_restaurant(diner.world)
    claim = paths.rid_claim_document(diner.world.context.firestore, diner.world.restaurant.rid)
    await claim.set({"restaurantId": "another"})
    with pytest.raises(RidTakenError):
        await restore_lines(diner.world, lines)
    assert len(await diner.scenario.all_documents()) == 1


async def test_what_changed_after_the_backup_is_kept(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    changed = diner.world.actions.change_party_size(diner.reservations[0].key, 7)
    await diner.scenario.ingest_and_fetch_guest(changed)
    await diner.world.change_settings(enabled=False)
    await restore_lines(diner.world, lines)
    document = (await diner.world.ledger_documents())[changed.key.lower()]
    assert document["partySize"] == 7


async def test_lost_documents_are_rebuilt_from_newer_journals(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    changed = diner.world.actions.change_party_size(diner.reservations[0].key, 7)
    await diner.scenario.ingest_and_fetch_guest(changed)
    await diner.world.change_settings(enabled=False)
    reservations = diner.world.reservations_collection
    await reservations.document(f"opentable-{changed.key.lower()}").delete()
    result = await restore_lines(diner.world, lines)
    document = (await diner.world.ledger_documents())[changed.key.lower()]
    assert document["partySize"] == 7
    assert [str(each.outcome) for each in result.rebuilt] == ["updated"]


async def test_an_expired_document_is_not_restored(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    await lose_restaurant(diner.world)
    diner.world.clock.advance(timedelta(days=91).total_seconds())
    result = await restore_lines(diner.world, lines)
    assert result.created["openTableQuarantine"] == 0
    assert result.created["ledgerEvents"] > 0


async def test_a_person_erased_after_the_backup_stays_erased(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    diner.scenario.guests.forget(diner.key)
    await diner.scenario.poll()
    assert await diner.marked_fields() == []
    await lose_restaurant(
        diner.world, "reservations", "openTableQuarantine", "reconciliationReports"
    )
    await diner.world.change_settings(enabled=False)
    result = await restore_lines(diner.world, lines)
    assert result.erased_places > 0
    assert await diner.marked_fields() == []


async def test_a_reservation_anonymized_after_the_backup_is_anonymized_again(
    diner: MarkedDiner,
) -> None:
    world = diner.world
    lines, backup_time = await read_backup_lines(world), world.clock()
    world.clock.set(GUEST_VISIT_TIME + timedelta(days=1101))
    await world.reconcile()
    await lose_restaurant(world, "reservations", "openTableGuests", "openTableQuarantine")
    await world.change_settings(enabled=False)
    await restore_lines(world, lines, read_time=backup_time)
    assert await diner.marked_fields()
    await world.change_settings(enabled=True)
    await world.reconcile()
    assert await diner.marked_fields() == []


async def test_a_person_whose_tombstone_was_lost_is_erased_by_the_next_poll(
    diner: MarkedDiner,
) -> None:
    lines = await read_backup_lines(diner.world)
    backup_time = diner.world.clock()
    diner.scenario.guests.forget(diner.key)
    await diner.scenario.poll()
    # Lost without the settings: their cursor is later than the erasure.
    await lose_restaurant(diner.world, "reservations", "openTableGuests")
    await diner.world.change_settings(enabled=False)
    await restore_lines(diner.world, lines, read_time=backup_time)
    await diner.world.change_settings(enabled=True)
    await diner.scenario.poll()
    assert await diner.marked_fields() == []


async def test_a_cut_file_is_no_success(diner: MarkedDiner) -> None:
    lines = await read_backup_lines(diner.world)
    await lose_restaurant(diner.world)
    with pytest.raises(InvalidBackupError):
        await restore_lines(diner.world, lines[:-2])


async def test_a_backup_is_of_one_moment(diner: MarkedDiner) -> None:
    _, *lines = await read_backup_lines(diner.world)
    moment = datetime.now(UTC)
    await diner.world.reconcile()
    _, *lines_then = await read_backup_lines(diner.world, moment)
    _, *lines_now = await read_backup_lines(diner.world)
    assert lines_then == lines
    assert lines_now != lines


def test_every_collection_of_the_data_model_is_in_a_backup() -> None:
    page = (ROOT / "docs" / "data-model.md").read_text()
    documented = re.findall(r"^\| \[`…/([^`]+)`\]", page, re.MULTILINE)
    collections = {name for path in documented for name in path.split("/")[::2]}
    # Long reports go on in documents below them.
    assert set(COLLECTION_IDS) == collections | {"continued"}
