"""Recent webhooks and standing refusals of a restaurant, as status and health read them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google

from shared.ingest import deliveries as module
from shared.ingest.deliveries import read_recent_webhooks, read_unresolved_refusals, record_refusal
from tests.support.events import envelope_body
from tests.support.firestore import FirestoreSpy
from tests.support.webhooks import call_webhook, cancel_background_tasks, store_refusals
from tests.support.world import World, make_world

NO_MATCH = "no_credential_matches"


@pytest.fixture
async def refused_world(world: World) -> World:
    """A world with three refused webhooks, stored."""
    world.clock.advance(60)
    for _ in range(3):
        record_refusal(world.context, world.restaurant.id, "bearer", NO_MATCH)
    await store_refusals(world.context)
    return world


async def test_refusals_are_counted_with_scheme_reason_and_times(refused_world: World) -> None:
    [refusal] = await read_unresolved_refusals(refused_world.context, refused_world.restaurant.id)
    now = refused_world.clock()
    assert (refusal.scheme, refusal.reason, refusal.count) == ("bearer", NO_MATCH, 3)
    assert (refusal.since, refusal.last_at) == (now, now)


async def test_the_counts_of_two_instances_are_added(refused_world: World) -> None:
    refused_world.clock.advance(60)
    record_refusal(refused_world.context, refused_world.restaurant.id, "bearer", NO_MATCH)
    await store_refusals(refused_world.context)
    [refusal] = await read_unresolved_refusals(refused_world.context, refused_world.restaurant.id)
    assert (refusal.count, refusal.last_at - refusal.since) == (4, timedelta(seconds=60))


async def test_without_refusals_there_are_none(world: World) -> None:
    assert await read_unresolved_refusals(world.context, world.restaurant.id) == []


async def test_an_accepted_webhook_of_the_scheme_ends_the_refusals(refused_world: World) -> None:
    refused_world.clock.advance(60)
    assert await call_webhook(refused_world.context, accepted_body(refused_world)) == 200
    assert await read_unresolved_refusals(refused_world.context, refused_world.restaurant.id) == []


async def test_refusals_of_an_unknown_restaurant_are_not_stored(world: World) -> None:
    before = await world.all_documents()
    record_refusal(world.context, None, "bearer", "unknown_restaurant")
    await store_refusals(world.context)
    assert await world.all_documents() == before


async def test_a_failed_write_keeps_the_counts_for_the_next_one(
    firestore_spy: FirestoreSpy,
) -> None:
    world = await make_world(firestore_spy.client)
    record_refusal(world.context, world.restaurant.id, "bearer", NO_MATCH)
    window = world.context.refusal_windows[world.restaurant.id]
    cancel_background_tasks(world.context)  # it would store the counts too
    firestore_spy.failure = google.ServiceUnavailable
    await module._store_refusals(world.context, world.restaurant.id, window)
    firestore_spy.failure = None
    await store_refusals(world.context)
    [refusal] = await read_unresolved_refusals(world.context, world.restaurant.id)
    assert refusal.count == 1
    world.executor.shutdown()


async def test_deliveries_list_accepted_quarantined_and_refused_webhooks(
    refused_world: World,
) -> None:
    context, restaurant_id = refused_world.context, refused_world.restaurant.id
    refused_world.clock.advance(60)
    await call_webhook(context, accepted_body(refused_world))
    refused_world.clock.advance(60)
    await call_webhook(context, accepted_body(refused_world, partySize=0))
    deliveries = (await read_recent_webhooks(context, restaurant_id)).deliveries
    assert [(each.outcome, each.reason, each.count) for each in deliveries] == [
        ("quarantined", "invalid_partySize", 1),
        ("created", None, 1),
        ("refused", NO_MATCH, 3),
    ]
    assert [each.scheme for each in deliveries] == ["bearer"] * 3
    assert deliveries[1].reservation_id == "opentable-ot_1"
    assert deliveries[1].event_type == "reservation.created"


async def test_rows_of_a_poll_are_no_deliveries(world: World) -> None:
    world.actions.create(world.clock() + timedelta(days=1), 2)
    await world.poll()
    recent = await read_recent_webhooks(world.context, world.restaurant.id)
    assert (recent.deliveries, recent.last_journaled_at) == ([], None)


async def test_the_newest_deliveries_are_listed_up_to_the_limit(refused_world: World) -> None:
    refused_world.clock.advance(60)
    await call_webhook(refused_world.context, accepted_body(refused_world))
    recent = await read_recent_webhooks(refused_world.context, refused_world.restaurant.id, limit=1)
    assert [each.outcome for each in recent.deliveries] == ["created"]
    assert recent.last_journaled_at == refused_world.clock()


async def test_the_recent_webhooks_list_the_same_refusals(refused_world: World) -> None:
    context, restaurant_id = refused_world.context, refused_world.restaurant.id
    recent = await read_recent_webhooks(context, restaurant_id)
    unresolved_refusals = await read_unresolved_refusals(context, restaurant_id)
    assert recent.unresolved_refusals == unresolved_refusals != []
    refused_world.clock.advance(60)
    await call_webhook(context, accepted_body(refused_world))
    recent = await read_recent_webhooks(context, restaurant_id, limit=1)
    assert recent.unresolved_refusals == []


def accepted_body(world: World, **data: Any) -> bytes:
    """Return an envelope about the world's restaurant, with an id of this moment."""
    body = envelope_body(restaurantId=world.restaurant.id, **data)
    return json.dumps(body | {"id": f"e{world.clock().timestamp()}"}).encode()
