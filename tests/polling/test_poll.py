import asyncio
import json
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from sandbox.actions import ReservationActions
from sandbox.api import OPENTABLE_PRODUCTION_URL
from sandbox.background_bookings import populate_store
from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxReservation, SandboxRestaurant
from sandbox.store import SandboxStore
from sandbox.sync_rows import ListOrder, RenderContext, build_webhook_row
from shared.context import AppContext
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.ledger import MAX_COMMIT_ATTEMPTS
from shared.tasks.fan_out import list_jobs
from shared.tasks.queue import POLL_FUNCTION
from tests.functions.scheduled_runs import list_statuses, run_function
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.restaurants import new_restaurant, seed
from tests.support.world import NEW_YORK, START_TIME, World, differing_keys, make_world

SOON = START_TIME + timedelta(days=2)


async def read_cursor(world: World) -> datetime:
    cursor: datetime = (await world.read_settings_document())["poll"]["cursor"]
    return cursor


async def read_quarantine(world: World) -> list[dict[str, Any]]:
    items = world.quarantine_collection.stream()
    return [item.to_dict() or {} async for item in items]


async def test_the_first_poll_imports_reservations_from_yesterday_on(world: World) -> None:
    for days in (-3, -1, 0, 40):
        world.actions.create(START_TIME + timedelta(days=days), 2)
    result = await world.poll()
    assert (result["status"], result["created"]) == ("ok", 3)
    assert len(await world.ledger_documents()) == 3


async def test_a_poll_applies_the_changes_since_the_last_poll(world: World) -> None:
    booked = world.actions.create(SOON, 2)
    await world.poll()
    world.clock.advance(900)
    world.actions.change_party_size(booked.key, 5)
    result = await world.poll()
    assert (result["updated"], result["created"]) == (1, 0)
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_the_cursor_is_the_time_before_the_first_request(world: World) -> None:
    world.actions.create(SOON, 2)
    world.sandbox.faults.on_page = lambda _: world.clock.advance(60)
    await world.poll()
    state = await world.read_settings_document()
    assert state["poll"]["cursor"] == START_TIME
    # One page of guests, one of reservations.
    assert state["lastPolledAt"] == START_TIME + timedelta(seconds=120)


async def test_a_changed_rid_is_polled_from_the_beginning(world: World) -> None:
    other = int(new_restaurant().rid)
    world.sandbox.store.add_restaurant(SandboxRestaurant(other, "Other", NEW_YORK))
    [partner] = world.sandbox.tokens.partners
    partner.rids.add(other)
    ReservationActions(world.sandbox.store, other).create(SOON, 2)
    world.clock.advance(7200)
    await world.poll()
    world.clock.advance(7200)
    await world.integration_document.update({"restaurantId": str(other)})
    result = await world.poll()
    assert (result["status"], result["created"]) == ("ok", 1)


async def test_the_cursor_stays_where_a_page_failed(world: World) -> None:
    await world.poll()
    world.clock.advance(900)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    result = await world.poll()
    state = await world.read_settings_document()
    assert result["status"] == "error"
    assert state["poll"]["cursor"] == START_TIME
    assert (state["poll"]["consecutiveFailures"], state["poll"]["lastOutcome"]) == (1, "error")
    assert "lease" not in state["poll"]


@pytest.mark.usefixtures("no_commit_retry_pauses")
async def test_the_cursor_stays_if_a_row_cannot_be_committed(world: World) -> None:
    await world.poll()
    cursor = await read_cursor(world)
    world.clock.advance(900)
    firestore_spy, context = FirestoreSpy(world.context.firestore), world.context
    world.context = replace(context, firestore=firestore_spy.client)
    world.actions.create(SOON, 2)
    # The lease is written; then the commit of the page and those of the row fail.
    failures = [fail_with(google.ServiceUnavailable)] * (1 + MAX_COMMIT_ATTEMPTS)
    firestore_spy.before_commit.extend([partial(asyncio.sleep, 0), *failures])
    result = await world.poll()
    assert (result["status"], await read_cursor(world)) == ("error", cursor)
    world.context = context
    assert (await world.poll())["created"] == 1


async def test_a_failed_response_is_requested_again(world: World) -> None:
    world.actions.create(SOON, 2)
    for kind in (FailureKind.STATUS, FailureKind.TRUNCATED, FailureKind.HTML):
        world.sandbox.faults.script_failure(kind)
    assert (await world.poll())["created"] == 1


async def test_an_unreadable_row_is_quarantined_and_the_page_continues(world: World) -> None:
    world.actions.create(SOON, 2)
    unreadable = world.actions.create(SOON, 2)
    world.actions.change_party_size(unreadable.key, 0)
    result = await world.poll()
    assert (result["created"], result["quarantined"], result["fetched"]) == (1, 1, 2)
    assert [item["reason"] for item in await read_quarantine(world)] == ["invalid_party_size"]


async def test_the_same_unreadable_row_is_one_item_however_often_it_is_polled(world: World) -> None:
    unreadable = world.actions.create(SOON, 2)
    world.actions.change_party_size(unreadable.key, 0)
    await world.poll()
    await world.poll()
    assert [item["count"] for item in await read_quarantine(world)] == [2]


async def test_a_poll_is_skipped_while_another_has_the_lease(world: World) -> None:
    async with world.acquire_lease("poll") as lease:
        assert lease is not None
        assert (await world.poll())["status"] == "skipped"


async def test_a_run_that_outlived_its_lease_moves_no_cursor(world: World) -> None:
    async with world.acquire_lease("poll") as lease:
        world.clock.advance(541)
        await world.poll()
        assert lease is not None
        assert not await lease.release({"poll.cursor": START_TIME - timedelta(days=9)})
    assert await read_cursor(world) == START_TIME + timedelta(seconds=541)


async def test_a_run_that_ends_by_an_internal_error_is_reported_and_releases_its_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.poll()
    cursor = await read_cursor(world)
    world.clock.advance(900)
    monkeypatch.setattr("shared.polling.poll.read_changed_guests", None)
    world.actions.create(SOON, 2)
    result = await world.poll()
    poll = (await world.read_settings_document())["poll"]
    assert result["error"] == poll["lastError"] == "Internal error (TypeError): see the log."
    assert (poll["cursor"], poll["consecutiveFailures"], "lease" in poll) == (cursor, 1, False)


async def test_unusable_settings_fail_the_restaurant_with_a_message(
    firestore: FirestoreClient,
) -> None:
    world = await make_world(firestore, timeZone="Mars/Olympus")
    result = await world.poll()
    assert result["status"] == "error"
    assert "timeZone must be an IANA zone" in result["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "order,booked,upcoming",
    [("updated", 25_000, 5_000), ("id", 6_000, 1_200), ("shuffled", 6_000, 1_200)],
)
async def test_no_row_is_missing_after_one_poll_however_rows_change_during_the_paging(
    world: World, order: ListOrder, booked: int, upcoming: int
) -> None:
    # Most of them are in the past.
    populate_store(world.sandbox.store, int(world.restaurant.rid), booked)
    world.sandbox.choices.order = order
    random = Random(1)

    def change_forty_upcoming(store: SandboxStore) -> None:
        rows = store.list_reservations(int(world.restaurant.rid))
        world.clock.advance(1)
        for row in random.sample([row for row in rows if row.scheduled > START_TIME], 40):
            world.actions.change_party_size(row.key, random.randint(1, 9))

    world.sandbox.faults.on_page = change_forty_upcoming
    result = await world.poll()
    ahead = {
        key for key, row in world.opentable_reservations().items() if row.scheduled > START_TIME
    }
    assert (result["status"], result["fetched"] >= upcoming) == ("ok", True)
    assert result["pages"] > len(ahead) // 1_000
    assert ahead <= (await world.ledger_documents()).keys()


async def test_a_poll_logs_cursor_age_and_failure_count(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.poll()
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    for _ in range(2):
        world.clock.advance(900)
        await world.poll()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    polls = [line for line in lines if line["event"] == "poll"]
    logged = [(line["cursorAgeSeconds"], line.get("consecutiveFailures")) for line in polls]
    assert logged == [(0, None), (900, 1), (1800, 2)]


async def deliver_webhook(world: World, reservation: SandboxReservation) -> None:
    context = RenderContext("gold", NEW_YORK, OPENTABLE_PRODUCTION_URL)
    await world.ingest_row(build_webhook_row(reservation, context))


async def prove_webhooks(world: World) -> None:
    """Poll a change that a webhook delivered, and then nothing until the restaurant is quiet."""
    await world.poll()
    await deliver_webhook(world, world.actions.create(SOON, 2))
    for _ in range(4):
        world.clock.advance(900)
        await world.poll()


async def test_a_quiet_restaurant_with_working_webhooks_is_polled_every_half_hour(
    world: World,
) -> None:
    await prove_webhooks(world)
    statuses = []
    for _ in range(4):
        world.clock.advance(900)
        statuses += list_statuses(await run_function(world, POLL_FUNCTION))
    assert statuses == ["skipped", "ok", "skipped", "ok"]


async def test_a_skipped_restaurant_is_polled_on_request(world: World) -> None:
    await prove_webhooks(world)
    result = await run_function(world, POLL_FUNCTION, restaurantId=world.restaurant.id)
    assert list_statuses(result) == ["ok"]


async def test_a_missed_change_returns_a_restaurant_to_every_poll_for_a_day(world: World) -> None:
    await prove_webhooks(world)
    world.actions.create(SOON, 4)  # without a webhook
    world.clock.advance(900)
    assert list_statuses(await run_function(world, POLL_FUNCTION)) == ["skipped"]
    statuses = []
    for _ in range(8):
        world.clock.advance(900)
        statuses += list_statuses(await run_function(world, POLL_FUNCTION))
    assert statuses == ["ok"] * 8
    assert len(await world.ledger_documents()) == 2


async def test_a_restaurant_with_changes_is_polled_every_time(world: World) -> None:
    await prove_webhooks(world)
    statuses = []
    for _ in range(4):
        world.clock.advance(900)
        await deliver_webhook(world, world.actions.create(SOON, 2))
        await world.poll()
        statuses += list_statuses(await run_function(world, POLL_FUNCTION))
    assert statuses == ["ok"] * 4


async def list_job_ids(context: AppContext) -> list[str]:
    return [job.restaurant_id for job in await list_jobs(context, POLL_FUNCTION)]


async def test_restaurants_are_listed_in_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.tasks.fan_out.LISTING_PAGE_SIZE", 2)
    others = [new_restaurant() for _ in range(4)]
    for other in others:
        await seed(world.context.firestore, other)
    expected = {world.restaurant.id, *(other.id for other in others)}
    assert sorted(await list_job_ids(world.context)) == sorted(expected)


@pytest.mark.parametrize(
    "path",
    [
        ("integrations", "opentable"),
        ("groups", "g-1", "integrations", "opentable"),
        ("restaurants", "r-1", "rooms", "bar", "integrations", "opentable"),
        ("restaurants", "r-1", "integrations", "other"),
    ],
)
async def test_an_enabled_document_that_is_no_settings_document_is_not_listed(
    world: World, path: tuple[str, ...]
) -> None:
    await world.context.firestore.document(*path).set({"enabled": True})
    assert await list_job_ids(world.context) == [world.restaurant.id]


async def test_a_failed_page_of_the_listing_is_read_again(
    world: World, firestore_spy: FirestoreSpy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.tasks.fan_out._LISTING_PAUSES_SECONDS", (0.0, 0.0))
    firestore_spy.failure = google.ServiceUnavailable
    context = replace(world.context, firestore=firestore_spy.client)

    async def recover(_: float) -> None:
        firestore_spy.failure = None

    monkeypatch.setattr("shared.tasks.fan_out.asyncio.sleep", recover)
    assert await list_job_ids(context) == [world.restaurant.id]
