"""Outages and secret rotations lose no event."""

import asyncio
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from functions.poll import ScheduledPollRequest, poll_restaurants
from sandbox.webhook_delivery import deliver_all
from sandbox.webhook_senders import build_signed_headers, encode_signing_secret
from shared.context import AppContext
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from tests.drills.busy_restaurant import (
    BusyRestaurant,
    ReportDrill,
    attach_relay,
    webhook_dispatcher_to,
)
from tests.support.clocks import FakeTimer
from tests.support.events import envelope_body
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import InMemorySecretSource
from tests.support.webhooks import call_webhook
from tests.support.world import World

OLD, NEW = encode_signing_secret(b"o" * 32), encode_signing_secret(b"n" * 32)
# The stored secrets, newest first, and the one used by the senders.
ROTATION = [([OLD], [OLD]), ([NEW, OLD], [OLD, NEW]), ([NEW], [NEW])]
BURSTS = 4


async def _build_context(
    world: World, secret_source: InMemorySecretSource, client: Any, timer: FakeTimer
) -> AppContext:
    """Return a context that accepts a relay's signatures, with its own client."""
    await world.change_settings(webhookAuth=["standard-webhooks"])
    directory = RestaurantDirectory(client, CredentialCache(secret_source.read, timer), None, timer)
    return replace(world.context, firestore=client, directory=directory)


def _store_credentials(world: World, secret_source: InMemorySecretSource, *secrets: str) -> None:
    credentials = {"clientId": "me", "clientSecret": "hush", "webhookSecrets": list(secrets)}
    secret_source.payloads[world.restaurant.secret] = credentials


async def test_a_secret_rotation_under_load_rejects_and_loses_no_event(
    world: World, report_drill: ReportDrill
) -> None:
    secret_source, timer, numbers = InMemorySecretSource(), FakeTimer(), itertools.count()
    context = await _build_context(world, secret_source, world.context.firestore, timer)
    codes: list[int] = []
    for kept, used in ROTATION:
        _store_credentials(world, secret_source, *kept)
        timer.advance(11)
        for _ in range(BURSTS):
            burst = [_call_webhook_signed(world, context, next(numbers), one) for one in used * 4]
            codes += await asyncio.gather(*burst)
    report_drill(
        "secret rotated under load", sent=len(codes), refused=len(codes) - codes.count(200)
    )
    assert set(codes) == {200}
    assert len(await world.ledger_documents()) == len(codes)


async def _call_webhook_signed(world: World, context: AppContext, number: int, secret: str) -> int:
    body = envelope_body(reservationId=f"ot_{number}", restaurantId=world.restaurant.id)
    raw = json.dumps(body | {"id": f"evt_{number}"}).encode()
    return await call_webhook(
        context, raw, build_signed_headers(secret, f"msg_{number}", world.clock(), raw)
    )


async def test_redelivery_recovers_from_a_minute_without_firestore(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.ledger._MAX_PAUSE_SECONDS", 0.0)
    world, secret_source = busy_restaurant.world, InMemorySecretSource()
    wire = FirestoreSpy(world.context.firestore)
    _store_credentials(world, secret_source, OLD)
    context = await _build_context(world, secret_source, wire.client, FakeTimer())
    busy_restaurant.dispatcher.faults.silent = True
    dispatcher = webhook_dispatcher_to(world, context)
    attach_relay(world, dispatcher, OLD)
    wire.failure = google.ServiceUnavailable
    for number, key in enumerate([row.key for row in world.opentable_reservations().values()][:20]):
        world.actions.change_party_size(key, 3 + number % 5)
        world.clock.advance(3)
        await asyncio.to_thread(dispatcher.send_due)
    assert dispatcher.counts["delivered"] == 0
    wire.failure, back = None, world.clock()
    await asyncio.to_thread(deliver_all, dispatcher, world.clock)
    level = world.clock() - back
    report_drill(
        "Firestore unavailable for 60 s",
        equal_after=level,
        redelivered=dispatcher.counts["retried"],
    )
    assert (dispatcher.counts["given_up"], await busy_restaurant.differing_keys()) == (0, [])
    assert level <= timedelta(seconds=64)


async def test_a_restaurant_enabled_again_after_a_month(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill
) -> None:
    world = busy_restaurant.world
    await world.change_settings(enabled=False)
    busy_restaurant.poll_minutes = busy_restaurant.reconcile_minutes = None
    busy_restaurant.dispatcher.faults.silent = True
    for _ in range(30):
        world.actions.create(world.clock() + timedelta(days=3), 2)
        await busy_restaurant.run_for(24 * 60, step=24 * 60)
    assert (await poll_restaurants(world.context, ScheduledPollRequest())).body["restaurants"] == 0
    await world.change_settings(enabled=True)
    assert len(await busy_restaurant.differing_keys()) > 30
    busy_restaurant.poll_minutes, busy_restaurant.reconcile_minutes = 15, 60
    level = await busy_restaurant.run_until_equal()
    report = await world.reconcile()
    report_drill("enabled again after a month", equal_after=level)
    assert (await poll_restaurants(world.context, ScheduledPollRequest())).body["restaurants"] == 1
    assert report["status"] == "COMPLETED"
    assert level <= timedelta(minutes=16)
