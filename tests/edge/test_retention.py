"""What has expired is deleted beside the emulator, and counts as gone before that."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from msgspec import structs
from msgspec.structs import replace

from shared.edge.backlog import read_quarantine_backlog
from shared.edge.staff.quarantine import QuarantineReview
from shared.edge.staff.story import read_journal_page
from shared.edge.upkeep import delete_expired_documents
from tests.edge.guest_party import SOON, Party
from tests.edge.marked_diner import keep
from tests.world import World, make_world

BODY = json.dumps({"partySize": 0})


@pytest.fixture
async def party(firestore: AsyncClient) -> AsyncIterator[Party]:
    world = await make_world(firestore)
    yield Party(world)
    world.executor.shutdown()


def with_settings(world: World, **settings: Any) -> World:
    environment = structs.replace(world.services.environment, **settings)
    return replace(world, services=replace(world.services, environment=environment))


async def items(party: Party) -> list[dict[str, Any]]:
    everything = await party.everything()
    return [item for path, item in everything.items() if "openTableQuarantine" in path]


def desk(party: Party) -> QuarantineReview:
    services = party.world.services
    return QuarantineReview(services.firestore, party.world.restaurant.id, services.clock)


async def story(party: Party, key: str) -> list[str]:
    services, restaurant_id = party.world.services, party.world.restaurant.id
    page = await read_journal_page(services, restaurant_id, f"opentable-{key.lower()}", 50, None)
    return [entry["eventId"] for entry in page.entries]


async def test_a_journal_is_kept_for_400_days_after_the_visit(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2)
    await party.hear(booked)
    [entry] = (await party.journal(booked)).values()
    assert entry["journalExpireAt"] == SOON + timedelta(days=400)


async def test_a_journal_without_a_start_is_kept_for_400_days_after_its_receipt(
    party: Party,
) -> None:
    await party.world.hear_relay("cancelled", reservationId="ot_1")
    everything = await party.everything()
    [entry] = [item for path, item in everything.items() if "ledgerEvents" in path]
    assert entry["journalExpireAt"] == party.world.clock() + timedelta(days=400)


async def test_how_long_a_journal_is_kept_is_a_setting(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2)
    await Party(with_settings(party.world, journal_retention_days=30)).hear(booked)
    [entry] = (await party.journal(booked)).values()
    assert entry["journalExpireAt"] == SOON + timedelta(days=30)


@pytest.mark.parametrize("days", [90, 7])
async def test_a_quarantined_statement_is_kept_as_long_as_the_setting_says(
    party: Party, days: int
) -> None:
    await keep(with_settings(party.world, quarantine_retention_days=days), BODY)
    [item] = await items(party)
    assert item["quarantineExpireAt"] == party.world.clock() + timedelta(days=days)


async def test_the_sweep_deletes_what_has_expired_and_nothing_else(party: Party) -> None:
    old, new = (
        party.world.desk.create(SOON, 2),
        party.world.desk.create(SOON + timedelta(days=9), 2),
    )
    await party.hear(old)
    await party.hear(new)
    await keep(party.world, BODY)
    before = await party.everything()
    party.world.clock.set(SOON + timedelta(days=400))
    await keep(party.world, json.dumps({"partySize": -1}))
    await delete_expired_documents(party.world.services)
    after = await party.everything()
    assert [path for path in before if path not in after] == [
        path for path, document in before.items() if _has_expired(document, party.world.clock())
    ]
    assert len(before) - len(before.keys() & after.keys()) == 2
    assert len(await party.journal(new)) == 1
    assert len(await items(party)) == 1


def _has_expired(document: dict[str, Any], now: datetime) -> bool:
    moments = [document.get("journalExpireAt"), document.get("quarantineExpireAt")]
    return any(moment is not None and moment <= now for moment in moments)


async def test_an_expired_entry_is_gone_from_the_story(party: Party) -> None:
    booked = party.world.desk.create(SOON, 2)
    await party.hear(booked)
    party.world.clock.set(SOON + timedelta(days=399))
    assert len(await story(party, booked.key)) == 1
    party.world.clock.set(SOON + timedelta(days=400))
    assert await story(party, booked.key) == []


async def test_an_expired_item_is_gone_from_the_quarantine(party: Party) -> None:
    await keep(party.world, BODY)
    [item_id] = await desk(party).list_newest(10)
    party.world.clock.advance(timedelta(days=89).total_seconds())
    await keep(party.world, json.dumps({"partySize": -1}))
    party.world.clock.advance(timedelta(days=1).total_seconds())
    assert item_id not in await desk(party).list_newest(10)
    assert await desk(party).read_item(item_id) is None
    backlog = await read_quarantine_backlog(party.world.services, party.world.restaurant.id)
    assert (len(await desk(party).list_newest(10)), backlog.open_count) == (1, 1)


async def test_what_comes_again_after_it_expired_is_kept_anew(party: Party) -> None:
    await keep(party.world, BODY)
    await keep(party.world, BODY)
    party.world.clock.advance(timedelta(days=90).total_seconds())
    await keep(party.world, BODY)
    [item] = await items(party)
    assert (item["count"], item["receivedAt"]) == (1, party.world.clock())
    assert item["quarantineExpireAt"] == party.world.clock() + timedelta(days=90)
