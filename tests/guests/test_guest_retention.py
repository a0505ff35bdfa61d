"""Reservations past their retention lose their personal data for good, in bounded portions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD
from msgspec.structs import replace

from shared.concurrency import Deadline
from shared.config import read_environment
from shared.errors import InvalidSettingsError
from shared.polling.backfill import run_backfill_steps, start_backfill
from tests.guests.conftest import stored_reservation
from tests.support.firestore import FirestoreSpy
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, MarkedDiner
from tests.support.world import World

RETENTION = timedelta(days=40)


@pytest.fixture
def world(world: World) -> World:
    return with_retention(world, RETENTION.days)


def with_retention(world: World, days: int) -> World:
    environment = replace(world.context.environment, anonymize_after_days=days)
    return replace(world, context=replace(world.context, environment=environment))


@pytest.fixture
async def diner(world: World) -> MarkedDiner:
    """A guest known from every channel; the quarantined bodies expire on their own."""
    diner = MarkedDiner(GuestScenario(world))
    await diner.create_everywhere()
    await delete_quarantine_items(world)
    return diner


async def delete_quarantine_items(world: World) -> None:
    async for item in world.quarantine_collection.list_documents():
        await item.delete()


async def pass_retention(world: World, days: int = 0) -> None:
    """Advance to the day after the retention of the visits, and reconcile."""
    world.clock.set(GUEST_VISIT_TIME + RETENTION + timedelta(days=1 + days))
    assert (await world.reconcile())["status"] == "COMPLETED"


def anonymized_keys(documents: dict[str, dict[str, Any]]) -> set[str]:
    return {key for key, each in documents.items() if each.get("guests", {}).get("anonymized")}


async def test_a_reservation_past_its_retention_has_no_personal_data(diner: MarkedDiner) -> None:
    assert await diner.marked_fields()
    await pass_retention(diner.world)
    assert await diner.marked_fields() == []
    documents = await diner.world.ledger_documents()
    assert {each["dinerName"] for each in documents.values()} == {"OpenTable Guest"}
    assert {each["partySize"] for each in documents.values()} == {2}


async def test_a_reservation_within_its_retention_keeps_its_data(diner: MarkedDiner) -> None:
    before = await diner.world.ledger_documents()
    diner.world.clock.set(GUEST_VISIT_TIME + RETENTION - timedelta(days=1))
    await diner.world.reconcile()
    assert await diner.world.ledger_documents() == before


async def test_no_later_event_restores_the_data(diner: MarkedDiner) -> None:
    await pass_retention(diner.world)
    await diner.resend_everything()
    await delete_quarantine_items(diner.world)  # contradicting copies of old events
    assert await diner.marked_fields() == []


async def test_a_guest_with_a_younger_reservation_stays(diner: MarkedDiner) -> None:
    later = diner.world.actions.create(GUEST_VISIT_TIME + RETENTION, 4, guest_key=diner.key)
    await diner.scenario.ingest_and_fetch_guest(later)
    await pass_retention(diner.world)
    documents = await diner.world.ledger_documents()
    assert documents[later.key.lower()]["dinerName"] == "Zoë Marked"
    assert anonymized_keys(documents) == documents.keys() - {later.key.lower()}
    assert diner.key in await diner.scenario.stored_guests()


async def test_a_guest_without_another_reservation_is_deleted(diner: MarkedDiner) -> None:
    await pass_retention(diner.world)
    assert await diner.scenario.stored_guests() == {}


async def test_a_tombstone_is_not_deleted(diner: MarkedDiner) -> None:
    diner.scenario.guests.forget(diner.key)
    await diner.scenario.poll()
    await pass_retention(diner.world)
    assert (await diner.scenario.stored_guests()).keys() >= {diner.key}


async def test_a_deleted_guest_is_not_fetched_again(diner: MarkedDiner) -> None:
    await pass_retention(diner.world)
    before = diner.scenario.count_requests("guest")
    await diner.scenario.ingest_and_fetch_guest(diner.reservations[0], sequence_id=10_000)
    await diner.world.reconcile()
    assert diner.scenario.count_requests("guest") == before
    assert await diner.scenario.stored_guests() == {}


async def test_a_relays_reservation_without_a_time_is_anonymized(world: World) -> None:
    await world.ingest_envelope("updated", reservationId="ot_9", dinerName="Zoë Marked")
    world.clock.advance((RETENTION + timedelta(days=2)).total_seconds())
    await world.reconcile()
    [document] = (await world.ledger_documents()).values()
    assert (document["dinerName"], document["guests"]) == ("OpenTable Guest", {"anonymized": True})


async def test_a_large_backlog_is_anonymized_in_portions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.guests.erasure.MAX_RESERVATIONS_PER_RUN", 3)
    for number in range(7):
        world.actions.create(GUEST_VISIT_TIME + timedelta(days=number // 3, hours=number % 3), 2)
    await world.poll()
    counts = []
    for _ in range(4):
        await pass_retention(world, days=9)
        counts.append(len(anonymized_keys(await world.ledger_documents())))
    assert counts == [3, 6, 7, 7]


async def test_a_completed_day_is_read_once(world: World, firestore_spy: FirestoreSpy) -> None:
    world = replace(world, context=replace(world.context, firestore=firestore_spy.client))
    world.actions.create(GUEST_VISIT_TIME, 2)
    await world.poll()
    await pass_retention(world)
    firestore_spy.take_calls()
    await world.reconcile()
    second = firestore_spy.take_calls().count("query")
    world.clock.advance(timedelta(days=1).total_seconds())
    await world.reconcile()
    assert firestore_spy.take_calls().count("query") == second + 2


async def test_reservations_of_a_later_backfill_are_anonymized(world: World) -> None:
    await pass_retention(world)
    world.actions.create(GUEST_VISIT_TIME, 2, request="marked")
    start = GUEST_VISIT_TIME.date() - timedelta(days=1)
    world.clock.advance(1)
    await start_backfill(world.context, world.restaurant.id, start, start + timedelta(days=3))
    steps = run_backfill_steps(world.context, world.restaurant.id, Deadline.after(60))
    assert [step.status async for step in steps][-1] == "COMPLETED"
    assert anonymized_keys(await world.ledger_documents()) == set()
    await world.reconcile()
    assert len(anonymized_keys(await world.ledger_documents())) == 1


async def test_zero_days_switch_it_off(world: World) -> None:
    world.actions.create(GUEST_VISIT_TIME, 2, request="a quiet table")
    await world.poll()
    await pass_retention(with_retention(world, 0), days=9_999)
    [document] = (await world.ledger_documents()).values()
    assert document["metadata"]["specialRequests"] == "a quiet table"


async def test_a_dry_run_anonymizes_nothing(world: World) -> None:
    world.actions.create(GUEST_VISIT_TIME, 2, request="a quiet table")
    await world.poll()
    world.clock.set(GUEST_VISIT_TIME + RETENTION + timedelta(days=1))
    await world.reconcile(is_dry_run=True)
    assert anonymized_keys(await world.ledger_documents()) == set()


async def test_a_native_reservation_is_left_alone(world: World) -> None:
    native = {"source": {"system": "LINEUP"}, "localDate": "2020-01-01", "dinerName": "Ada"}
    document = world.reservations_collection.document("native-1")
    await document.set(native)
    await world.reconcile()
    assert (await document.get()).to_dict() == native


async def test_a_damaged_reservation_stops_no_other(world: World) -> None:
    booked = [world.actions.create(GUEST_VISIT_TIME, 2, request="marked") for _ in range(2)]
    await world.poll()
    damaged = stored_reservation(world, booked[0])
    await damaged.update({"sync": json.dumps("lost")})
    await pass_retention(world)
    assert anonymized_keys(await world.ledger_documents()) == {booked[1].key.lower()}


@pytest.mark.parametrize(
    "fields",
    [
        {"guests.resolvedGuestKeys": 5},
        {"guests.resolvedGuestKeys": ["a/b", "", {}]},
        {"source.externalReservationId": "a/b"},
        {"source.externalReservationId": DELETE_FIELD},
    ],
)
async def test_a_damaged_list_of_guests_or_key_stops_no_other(
    world: World, fields: dict[str, Any]
) -> None:
    booked = [world.actions.create(GUEST_VISIT_TIME, 2, request="marked") for _ in range(2)]
    await world.poll()
    damaged = stored_reservation(world, booked[0])
    await damaged.update(fields)
    await pass_retention(world)
    other = stored_reservation(world, booked[1])
    assert (await other.get()).get("guests.anonymized") is True


async def test_an_old_document_with_the_key_of_another_reservation_does_not_anonymize_that_one(
    world: World,
) -> None:
    old = world.actions.create(GUEST_VISIT_TIME, 2)
    coming = world.actions.create(GUEST_VISIT_TIME + RETENTION, 2, request="marked")
    await world.poll()
    damaged = stored_reservation(world, old)
    await damaged.update({"source.externalReservationId": coming.key.lower()})
    await pass_retention(world)
    kept = stored_reservation(world, coming)
    assert (await kept.get()).get("metadata.specialRequests") == "marked"


@pytest.mark.parametrize(
    "fields",
    [
        {"retention.anonymizedThrough": "9999-12-31"},
        {"retention.anonymizedThrough": "x"},
        {"retention.checkedAt": datetime(9999, 1, 1, tzinfo=UTC)},
    ],
)
async def test_a_state_in_the_future_does_not_end_the_retention(
    world: World, fields: dict[str, Any]
) -> None:
    world.actions.create(GUEST_VISIT_TIME, 2, request="marked")
    await world.poll()
    complete = {"retention.anonymizedThrough": "2026-03-01", "retention.checkedAt": world.clock()}
    await world.change_settings(**complete | fields)
    await pass_retention(world)
    documents = await world.ledger_documents()
    assert anonymized_keys(documents) == documents.keys()


async def test_a_run_without_time_leaves_it_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.actions.create(GUEST_VISIT_TIME, 2)
    await world.poll()
    with monkeypatch.context() as patch:
        patch.setattr("shared.guests.erasure._MIN_REMAINING_SECONDS", 10_000)
        await pass_retention(world)
        assert anonymized_keys(await world.ledger_documents()) == set()
    await world.reconcile()
    assert len(anonymized_keys(await world.ledger_documents())) == 1


@pytest.mark.parametrize("days", ["1", "30"])
def test_a_retention_within_the_reconciled_days_is_refused(days: str) -> None:
    with pytest.raises(InvalidSettingsError, match="ANONYMIZE_AFTER_DAYS"):
        read_environment({"ANONYMIZE_AFTER_DAYS": days})
