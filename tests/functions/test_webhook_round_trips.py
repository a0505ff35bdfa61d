"""A webhook's calls of Firestore, with authentication and cached settings."""

import json
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.events import envelope_body
from tests.support.firestore import FirestoreSpy
from tests.support.webhooks import call_webhook, cancel_background_tasks
from tests.support.world import World, make_world


@pytest.fixture
async def spied_world(firestore_spy: FirestoreSpy) -> AsyncIterator[World]:
    """A world whose process has cached its restaurant."""
    world = await make_world(firestore_spy.client)
    assert await call_webhook(world.context, build_body(world, "warm-up")) == 200
    firestore_spy.take_calls()
    yield world
    cancel_background_tasks(world.context)
    world.executor.shutdown()


def build_body(world: World, reservation_id: str, kind: str = "created") -> bytes:
    restaurant_id = world.restaurant.id
    body = envelope_body(kind, reservationId=reservation_id, restaurantId=restaurant_id)
    return json.dumps(body | {"id": f"{kind}-{reservation_id}"}).encode()


async def test_a_created_envelope_is_one_commit(
    spied_world: World, firestore_spy: FirestoreSpy
) -> None:
    assert await call_webhook(spied_world.context, build_body(spied_world, "ot_1")) == 200
    assert firestore_spy.take_calls() == ["commit"]


async def test_a_cancelled_envelope_is_one_read_and_one_commit(
    spied_world: World, firestore_spy: FirestoreSpy
) -> None:
    body = build_body(spied_world, "warm-up", "cancelled")
    assert await call_webhook(spied_world.context, body) == 200
    assert firestore_spy.take_calls() == ["read", "commit"]


async def test_a_refused_webhook_of_a_known_restaurant_reads_the_recent_changes_only(
    spied_world: World, firestore_spy: FirestoreSpy
) -> None:
    headers = {"authorization": "Bearer guess"}
    body = build_body(spied_world, "ot_1")
    assert await call_webhook(spied_world.context, body, headers) == 401
    cancel_background_tasks(spied_world.context)  # the first one of a minute is also stored
    firestore_spy.take_calls()
    firestore_spy.read_names.clear()
    assert await call_webhook(spied_world.context, body, headers) == 401
    [name] = firestore_spy.read_names
    assert name.endswith("/openTableChanges/recent")
    assert firestore_spy.take_calls() == ["read"]


async def test_a_request_without_a_credential_calls_nothing(
    spied_world: World, firestore_spy: FirestoreSpy
) -> None:
    assert await call_webhook(spied_world.context, build_body(spied_world, "ot_1"), {}) == 401
    assert firestore_spy.take_calls() == []


async def test_thousands_of_headers_cost_little(spied_world: World) -> None:
    headers = {f"x-{number}": "" for number in range(8_000)}
    before = time.process_time()
    assert await call_webhook(spied_world.context, build_body(spied_world, "ot_1"), headers) == 401
    assert time.process_time() - before < 0.2
