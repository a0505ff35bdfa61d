"""Expired documents are deleted in the emulator and ignored before that."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from msgspec import structs
from msgspec.structs import replace

from dev.local.scheduler import delete_expired_documents
from shared.firestore.paths import EXPIRY_FIELDS
from shared.firestore.raw_client import FirestoreClient
from shared.guests.failures import MAX_PAUSE, new_guest_failure
from shared.ledger.queries import read_journal_page
from shared.quarantine.review import QuarantineReview
from shared.quarantine.store import read_quarantine_backlog
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, quarantine_text
from tests.support.world import START_TIME, World, make_world

BODY = json.dumps({"partySize": 0})


@pytest.fixture
async def guest_scenario(firestore: FirestoreClient) -> AsyncIterator[GuestScenario]:
    world = await make_world(firestore)
    yield GuestScenario(world)
    world.executor.shutdown()


def with_settings(world: World, **settings: Any) -> World:
    environment = structs.replace(world.context.environment, **settings)
    return replace(world, context=replace(world.context, environment=environment))


async def quarantine_items(party: GuestScenario) -> list[dict[str, Any]]:
    everything = await party.all_documents()
    return [item for path, item in everything.items() if "openTableQuarantine" in path]


def quarantine_review(party: GuestScenario) -> QuarantineReview:
    context = party.world.context
    return QuarantineReview(context.firestore, party.world.restaurant.id, context.clock)


async def journal_event_ids(party: GuestScenario, key: str) -> list[str]:
    context, restaurant_id = party.world.context, party.world.restaurant.id
    page = await read_journal_page(context, restaurant_id, f"opentable-{key.lower()}", 50, None)
    return [entry["eventId"] for entry in page.entries]


async def test_a_journal_expires_400_days_after_the_visit(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.actions.create(GUEST_VISIT_TIME, 2)
    await guest_scenario.ingest_and_fetch_guest(booked)
    [entry] = (await guest_scenario.journal(booked)).values()
    assert entry["journalExpireAt"] == GUEST_VISIT_TIME + timedelta(days=400)


async def test_a_journal_without_a_start_expires_400_days_after_its_receipt(
    guest_scenario: GuestScenario,
) -> None:
    await guest_scenario.world.ingest_envelope("cancelled", reservationId="ot_1")
    everything = await guest_scenario.all_documents()
    [entry] = [item for path, item in everything.items() if "ledgerEvents" in path]
    assert entry["journalExpireAt"] == guest_scenario.world.clock() + timedelta(days=400)


async def test_journal_retention_is_configurable(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.actions.create(GUEST_VISIT_TIME, 2)
    await GuestScenario(
        with_settings(guest_scenario.world, journal_retention_days=30)
    ).ingest_and_fetch_guest(booked)
    [entry] = (await guest_scenario.journal(booked)).values()
    assert entry["journalExpireAt"] == GUEST_VISIT_TIME + timedelta(days=30)


@pytest.mark.parametrize("days", [90, 7])
async def test_quarantine_retention_is_configurable(
    guest_scenario: GuestScenario, days: int
) -> None:
    await quarantine_text(with_settings(guest_scenario.world, quarantine_retention_days=days), BODY)
    [item] = await quarantine_items(guest_scenario)
    assert item["quarantineExpireAt"] == guest_scenario.world.clock() + timedelta(days=days)


@pytest.mark.parametrize("days", [400, 30])
async def test_report_retention_is_configurable(guest_scenario: GuestScenario, days: int) -> None:
    world = with_settings(guest_scenario.world, report_retention_days=days)
    report = await world.reconcile()
    assert report["reportExpireAt"] == world.clock() + timedelta(days=days)


async def test_all_parts_of_a_report_expire_together(
    guest_scenario: GuestScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.reconciliation.report_store.MAX_PART_BYTES", 1)
    for hour in range(2):
        guest_scenario.world.actions.create(START_TIME + timedelta(hours=hour), 2)
    await guest_scenario.world.reconcile()
    everything = await guest_scenario.all_documents()
    parts = [item for path, item in everything.items() if "reconciliationReports" in path]
    assert len(parts) > 1
    assert {part["reportExpireAt"] for part in parts} == {START_TIME + timedelta(days=400)}


@pytest.mark.parametrize("days", [1100, 100])
async def test_the_counts_of_a_day_expire(guest_scenario: GuestScenario, days: int) -> None:
    world = with_settings(guest_scenario.world, analytics_retention_days=days)
    world.actions.create(START_TIME, 2)
    await world.reconcile()
    everything = await guest_scenario.all_documents()
    counts = [each for path, each in everything.items() if "reservationAnalytics" in path]
    assert counts
    for each in counts:
        expires_on = (each["analyticsExpireAt"] - timedelta(days=days)).date()
        assert expires_on.isoformat() == each["localDate"]


def test_a_failure_expires_only_after_its_requests_ended() -> None:
    failure = new_guest_failure(None, "key", "id", "error", START_TIME)
    for _ in range(20):
        failure = new_guest_failure(failure, "key", "id", "error", failure.next_attempt_at)
        assert failure.to_map()["failureExpireAt"] > failure.next_attempt_at + MAX_PAUSE


async def test_only_expired_documents_are_deleted_in_the_emulator(
    guest_scenario: GuestScenario,
) -> None:
    old, new = (
        guest_scenario.world.actions.create(GUEST_VISIT_TIME, 2),
        guest_scenario.world.actions.create(GUEST_VISIT_TIME + timedelta(days=9), 2),
    )
    await guest_scenario.ingest_and_fetch_guest(old)
    await guest_scenario.ingest_and_fetch_guest(new)
    await quarantine_text(guest_scenario.world, BODY)
    before = await guest_scenario.all_documents()
    guest_scenario.world.clock.set(GUEST_VISIT_TIME + timedelta(days=400))
    await quarantine_text(guest_scenario.world, json.dumps({"partySize": -1}))
    delete_expired_documents(
        Client(project=guest_scenario.world.context.firestore.project),
        guest_scenario.world.clock(),
    )
    after = await guest_scenario.all_documents()
    assert [path for path in before if path not in after] == [
        path
        for path, document in before.items()
        if _has_expired(document, guest_scenario.world.clock())
    ]
    assert len(before) - len(before.keys() & after.keys()) == 2
    assert len(await guest_scenario.journal(new)) == 1
    assert len(await quarantine_items(guest_scenario)) == 1


def _has_expired(document: dict[str, Any], now: datetime) -> bool:
    moments = [document.get(field) for field in set(EXPIRY_FIELDS.values())]
    return any(moment is not None and moment <= now for moment in moments)


async def test_an_expired_entry_is_not_in_the_journal_page(guest_scenario: GuestScenario) -> None:
    booked = guest_scenario.world.actions.create(GUEST_VISIT_TIME, 2)
    await guest_scenario.ingest_and_fetch_guest(booked)
    guest_scenario.world.clock.set(GUEST_VISIT_TIME + timedelta(days=399))
    assert len(await journal_event_ids(guest_scenario, booked.key)) == 1
    guest_scenario.world.clock.set(GUEST_VISIT_TIME + timedelta(days=400))
    assert await journal_event_ids(guest_scenario, booked.key) == []


async def test_an_expired_item_is_gone_from_the_quarantine(guest_scenario: GuestScenario) -> None:
    await quarantine_text(guest_scenario.world, BODY)
    [item_id] = await quarantine_review(guest_scenario).list_newest(10)
    guest_scenario.world.clock.advance(timedelta(days=89).total_seconds())
    await quarantine_text(guest_scenario.world, json.dumps({"partySize": -1}))
    guest_scenario.world.clock.advance(timedelta(days=1).total_seconds())
    assert item_id not in await quarantine_review(guest_scenario).list_newest(10)
    assert await quarantine_review(guest_scenario).read_item(item_id) is None
    backlog = await read_quarantine_backlog(
        guest_scenario.world.context, guest_scenario.world.restaurant.id
    )
    assert (len(await quarantine_review(guest_scenario).list_newest(10)), backlog.open_count) == (
        1,
        1,
    )


async def test_an_event_redelivered_after_expiry_is_quarantined_again(
    guest_scenario: GuestScenario,
) -> None:
    await quarantine_text(guest_scenario.world, BODY)
    await quarantine_text(guest_scenario.world, BODY)
    guest_scenario.world.clock.advance(timedelta(days=90).total_seconds())
    await quarantine_text(guest_scenario.world, BODY)
    [item] = await quarantine_items(guest_scenario)
    assert (item["count"], item["receivedAt"]) == (1, guest_scenario.world.clock())
    assert item["quarantineExpireAt"] == guest_scenario.world.clock() + timedelta(days=90)
