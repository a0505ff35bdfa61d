"""Somebody is away for a while, or changes the locks: nothing is lost meanwhile."""

import asyncio
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from dev.sandbox.courier import deliver_all
from dev.sandbox.signing import build_signed_headers, encode_signing_secret
from functions.poll import ScheduledPollRequest, _poll_restaurants
from shared.edge import paths
from shared.edge.directory import RestaurantDirectory
from shared.edge.secrets import CredentialCache
from shared.edge.services import AppContext
from tests.drills.evening import Evening, Tell, courier_to, relay_of
from tests.front_door import knock
from tests.safe import Safe
from tests.statements import envelope
from tests.timer import Timer
from tests.wire import Wire
from tests.world import World

OLD, NEW = encode_signing_secret(b"o" * 32), encode_signing_secret(b"n" * 32)
# What is kept, newest first, and what the senders sign with meanwhile.
ROTATION = [([OLD], [OLD]), ([NEW, OLD], [OLD, NEW]), ([NEW], [NEW])]
BURSTS = 4


async def _services(world: World, safe: Safe, client: Any, timer: Timer) -> AppContext:
    """Return services that accept a relay's signatures, over a client of their own."""
    await paths.integration_document(world.services.firestore, world.restaurant.id).update(
        {"webhookAuth": ["standard-webhooks"]}
    )
    directory = RestaurantDirectory(client, CredentialCache(lambda: safe, timer), None, timer)
    return replace(world.services, firestore=client, directory=directory)


def _keep(world: World, safe: Safe, *secrets: str) -> None:
    credentials = {"clientId": "me", "clientSecret": "hush"}
    safe.payloads[world.restaurant.secret] = {**credentials, "webhookSecrets": list(secrets)}


async def test_a_secret_rotated_under_load_refuses_nobody_and_loses_nothing(
    world: World, tell: Tell
) -> None:
    safe, timer, numbers = Safe(), Timer(), itertools.count()
    services = await _services(world, safe, world.services.firestore, timer)
    codes: list[int] = []
    for kept, used in ROTATION:
        _keep(world, safe, *kept)
        timer.wait(11)
        for _ in range(BURSTS):
            burst = [_sign_and_knock(world, services, next(numbers), one) for one in used * 4]
            codes += await asyncio.gather(*burst)
    tell("a secret rotated under load", sent=len(codes), refused=len(codes) - codes.count(200))
    assert set(codes) == {200}
    assert len(await world.ledger()) == len(codes)


async def _sign_and_knock(world: World, services: AppContext, number: int, secret: str) -> int:
    body = envelope(reservationId=f"ot_{number}", restaurantId=world.restaurant.id)
    raw = json.dumps(body | {"id": f"evt_{number}"}).encode()
    return await knock(
        services, raw, build_signed_headers(secret, f"msg_{number}", world.clock(), raw)
    )


async def test_firestore_away_for_a_minute_is_made_good_by_redelivery_alone(
    evening: Evening, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.edge.ledger._MAX_PAUSE_SECONDS", 0.0)
    world, safe, wire = evening.world, Safe(), Wire(evening.world.services.firestore)
    _keep(world, safe, OLD)
    services = await _services(world, safe, wire.client, Timer())
    evening.courier.faults.silent = True
    courier = courier_to(world, services)
    relay_of(world, courier, OLD)
    wire.refusal = google.ServiceUnavailable
    for number, key in enumerate([row.key for row in world.book().values()][:20]):
        world.desk.change_party_size(key, 3 + number % 5)
        world.clock.advance(3)
        await asyncio.to_thread(courier.send_due)
    assert courier.counts["delivered"] == 0
    wire.refusal, back = None, world.clock()
    await asyncio.to_thread(deliver_all, courier, world.clock)
    level = world.clock() - back
    tell("Firestore away for 60 s", level_after=level, redelivered=courier.counts["retried"])
    assert (courier.counts["given_up"], await evening.behind()) == (0, [])
    assert level <= timedelta(seconds=64)


async def test_a_restaurant_enabled_again_after_a_month(evening: Evening, tell: Tell) -> None:
    world = evening.world
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"enabled": False})
    evening.poll_minutes = evening.reconcile_minutes = None
    evening.courier.faults.silent = True
    for _ in range(30):
        world.desk.create(world.clock() + timedelta(days=3), 2)
        await evening.live(24 * 60, step=24 * 60)
    assert (await _poll_restaurants(world.services, ScheduledPollRequest())).body[
        "restaurants"
    ] == 0
    await settings.update({"enabled": True})
    assert len(await evening.behind()) > 30
    evening.poll_minutes, evening.reconcile_minutes = 15, 60
    level = await evening.until_level()
    report = await world.reconcile()
    tell("enabled again after a month", level_after=level)
    assert (await _poll_restaurants(world.services, ScheduledPollRequest())).body[
        "restaurants"
    ] == 1
    assert report["status"] == "COMPLETED"
    assert level <= timedelta(minutes=16)
