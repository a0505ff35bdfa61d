"""Expired documents are deleted in the emulator and ignored before that."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from msgspec import structs
from msgspec.structs import replace

from dev.local.scheduler import delete_expired_documents
from shared.firestore.paths import EXPIRY_FIELDS
from shared.guests.failures import MAX_PAUSE, new_guest_failure
from shared.ledger.queries import read_journal_page
from shared.quarantine.review import QuarantineReview
from shared.quarantine.store import read_quarantine_backlog
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, quarantine_text
from tests.support.world import START_TIME, World

BODY = json.dumps({"partySize": 0})


def with_settings(world: World, **settings: Any) -> World:
    environment = structs.replace(world.context.environment, **settings)
    return replace(world, context=replace(world.context, environment=environment))


async def read_collection(world: World, collection_id: str) -> list[dict[str, Any]]:
    everything = await world.all_documents()
    return [item for path, item in everything.items() if collection_id in path]


async def quarantine_items(world: World) -> list[dict[str, Any]]:
    return await read_collection(world, "openTableQuarantine")


def quarantine_review(world: World) -> QuarantineReview:
    return QuarantineReview(world.context.firestore, world.restaurant.id, world.clock)


async def journal_event_ids(world: World, key: str) -> list[str]:
    document_id = f"opentable-{key.lower()}"
    page = await read_journal_page(world.context, world.restaurant.id, document_id, 50, None)
    return [entry["eventId"] for entry in page.entries]


async def ingest_booking(world: World, visit_time: datetime = GUEST_VISIT_TIME) -> str:
    """Book and ingest a reservation; return its key."""
    booked = world.actions.create(visit_time, 2)
    await GuestScenario(world).ingest_and_fetch_guest(booked)
    return booked.key


async def test_a_journal_expires_400_days_after_the_visit(world: World) -> None:
    await ingest_booking(world)
    [entry] = await read_collection(world, "ledgerEvents")
    assert entry["journalExpireAt"] == GUEST_VISIT_TIME + timedelta(days=400)


async def test_a_journal_without_a_start_expires_400_days_after_its_receipt(world: World) -> None:
    await world.ingest_envelope("cancelled", reservationId="ot_1")
    [entry] = await read_collection(world, "ledgerEvents")
    assert entry["journalExpireAt"] == world.clock() + timedelta(days=400)


async def test_journal_retention_is_configurable(world: World) -> None:
    await ingest_booking(with_settings(world, journal_retention_days=30))
    [entry] = await read_collection(world, "ledgerEvents")
    assert entry["journalExpireAt"] == GUEST_VISIT_TIME + timedelta(days=30)


@pytest.mark.parametrize("days", [90, 7])
async def test_quarantine_retention_is_configurable(world: World, days: int) -> None:
    await quarantine_text(with_settings(world, quarantine_retention_days=days), BODY)
    [item] = await quarantine_items(world)
    assert item["quarantineExpireAt"] == world.clock() + timedelta(days=days)


@pytest.mark.parametrize("days", [400, 30])
async def test_report_retention_is_configurable(world: World, days: int) -> None:
    world = with_settings(world, report_retention_days=days)
    report = await world.reconcile()
    assert report["reportExpireAt"] == world.clock() + timedelta(days=days)


async def test_all_parts_of_a_report_expire_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.reconciliation.report_store.MAX_PART_BYTES", 1)
    for hour in range(2):
        world.actions.create(START_TIME + timedelta(hours=hour), 2)
    await world.reconcile()
    parts = await read_collection(world, "reconciliationReports")
    assert len(parts) > 1
    assert {part["reportExpireAt"] for part in parts} == {START_TIME + timedelta(days=400)}


@pytest.mark.parametrize("days", [1100, 100])
async def test_the_counts_of_a_day_expire(world: World, days: int) -> None:
    world = with_settings(world, analytics_retention_days=days)
    world.actions.create(START_TIME, 2)
    await world.reconcile()
    counts = await read_collection(world, "reservationAnalytics")
    assert counts
    for each in counts:
        expires_on = (each["analyticsExpireAt"] - timedelta(days=days)).date()
        assert expires_on.isoformat() == each["localDate"]


def test_a_failure_expires_only_after_its_requests_ended() -> None:
    failure = new_guest_failure(None, "key", "id", "error", START_TIME)
    for _ in range(20):
        failure = new_guest_failure(failure, "key", "id", "error", failure.next_attempt_at)
        assert failure.to_map()["failureExpireAt"] > failure.next_attempt_at + MAX_PAUSE


async def test_only_expired_documents_are_deleted_in_the_emulator(world: World) -> None:
    await ingest_booking(world)
    new_key = await ingest_booking(world, GUEST_VISIT_TIME + timedelta(days=9))
    await quarantine_text(world, BODY)
    before = await world.all_documents()
    world.clock.set(GUEST_VISIT_TIME + timedelta(days=400))
    await quarantine_text(world, json.dumps({"partySize": -1}))
    delete_expired_documents(Client(project=world.context.firestore.project), world.clock())
    after = await world.all_documents()
    deleted = [path for path in before if path not in after]
    now = world.clock()
    assert deleted == [path for path, each in before.items() if _has_expired(each, now)]
    assert len(deleted) == 2
    assert len(await journal_event_ids(world, new_key)) == 1
    assert len(await quarantine_items(world)) == 1


def _has_expired(document: dict[str, Any], now: datetime) -> bool:
    moments = [document.get(field) for field in set(EXPIRY_FIELDS.values())]
    return any(moment is not None and moment <= now for moment in moments)


async def test_an_expired_entry_is_not_in_the_journal_page(world: World) -> None:
    key = await ingest_booking(world)
    world.clock.set(GUEST_VISIT_TIME + timedelta(days=399))
    assert len(await journal_event_ids(world, key)) == 1
    world.clock.set(GUEST_VISIT_TIME + timedelta(days=400))
    assert await journal_event_ids(world, key) == []


async def test_an_expired_item_is_gone_from_the_quarantine(world: World) -> None:
    await quarantine_text(world, BODY)
    [item_id] = await quarantine_review(world).list_newest(10)
    world.clock.advance(timedelta(days=89).total_seconds())
    await quarantine_text(world, json.dumps({"partySize": -1}))
    world.clock.advance(timedelta(days=1).total_seconds())
    assert item_id not in await quarantine_review(world).list_newest(10)
    assert await quarantine_review(world).read_item(item_id) is None
    backlog = await read_quarantine_backlog(world.context, world.restaurant.id)
    assert backlog.open_count == len(await quarantine_review(world).list_newest(10)) == 1


async def test_an_event_redelivered_after_expiry_is_quarantined_again(world: World) -> None:
    await quarantine_text(world, BODY)
    await quarantine_text(world, BODY)
    world.clock.advance(timedelta(days=90).total_seconds())
    await quarantine_text(world, BODY)
    [item] = await quarantine_items(world)
    assert (item["count"], item["receivedAt"]) == (1, world.clock())
    assert item["quarantineExpireAt"] == world.clock() + timedelta(days=90)
