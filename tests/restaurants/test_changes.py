import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google

from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.restaurants import changes as module
from shared.restaurants.changes import (
    CHANGE_LIFETIME,
    CHANGE_PICKUP_SECONDS,
    ChangeFeed,
    publish_changes,
    restaurant_change_key,
    secret_change_key,
)
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.settings import update_settings
from tests.support.clocks import FakeTimer
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import InMemorySecretSource, Restaurant

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
KEY = secret_change_key("main")


@pytest.fixture
def feed(firestore_spy: FirestoreSpy, timer: FakeTimer) -> ChangeFeed:
    return ChangeFeed(firestore_spy.client, timer)


async def stored_changes(firestore: FirestoreClient) -> list[dict[str, Any]]:
    snapshot = await paths.recent_changes_document(firestore).get()
    changes: list[dict[str, Any]] = (snapshot.to_dict() or {}).get("changes", [])
    return changes


async def test_a_change_is_known_after_the_pickup_time(
    feed: ChangeFeed, firestore: FirestoreClient, timer: FakeTimer
) -> None:
    await publish_changes(firestore, {KEY: "0"}, NOW)
    await feed.ensure_current()
    await publish_changes(firestore, {KEY: "1"}, NOW)
    await feed.ensure_current()
    assert feed.get_version(KEY) == "0"
    timer.advance(CHANGE_PICKUP_SECONDS)
    await feed.ensure_current()
    assert feed.get_version(KEY) == "1"


async def test_the_changes_are_read_once_in_four_seconds(
    feed: ChangeFeed, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    for _ in range(20):
        await feed.ensure_current()
        timer.advance(0.2)
    assert firestore_spy.take_calls() == ["read"]


async def test_events_before_the_limit_do_not_wait_for_a_read(
    feed: ChangeFeed, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    await feed.ensure_current()
    timer.advance(4)
    firestore_spy.failure = google.ServiceUnavailable
    feed.refresh_ahead()
    await feed.ensure_current()


async def test_an_event_after_a_read_ahead_finds_it_done(
    feed: ChangeFeed, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    await feed.ensure_current()
    timer.advance(4)
    feed.refresh_ahead()
    await feed.ensure_read_since(feed.get_time())
    firestore_spy.take_calls()
    timer.advance(4)
    await feed.ensure_current()
    assert firestore_spy.take_calls() == []


async def test_concurrent_refusals_share_a_read(
    feed: ChangeFeed, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    await feed.ensure_current()
    timer.advance(1)
    firestore_spy.take_calls()
    moment = feed.get_time()
    await asyncio.gather(*(feed.ensure_read_since(moment) for _ in range(100)))
    assert firestore_spy.take_calls() == ["read"]


async def test_a_change_during_a_read_is_found_by_the_next_one(
    feed: ChangeFeed, firestore: FirestoreClient, timer: FakeTimer
) -> None:
    feed.refresh_ahead()
    await publish_changes(firestore, {KEY: "1"}, NOW)
    timer.advance(1)
    await feed.ensure_read_since(feed.get_time())
    assert feed.get_version(KEY) == "1"


async def test_a_failed_read_is_no_knowledge(
    feed: ChangeFeed, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    await feed.ensure_current()
    timer.advance(CHANGE_PICKUP_SECONDS)
    firestore_spy.failure = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await feed.ensure_current()


async def test_old_changes_are_dropped_by_the_next_one(firestore: FirestoreClient) -> None:
    await publish_changes(firestore, {"a": "1", "b": "1"}, NOW)
    await publish_changes(firestore, {"b": "2"}, NOW + CHANGE_LIFETIME)
    await publish_changes(firestore, {"c": "1"}, NOW + CHANGE_LIFETIME + timedelta(seconds=1))
    versions = {item["key"]: item["version"] for item in await stored_changes(firestore)}
    assert versions == {"b": "2", "c": "1"}


async def test_the_list_of_changes_is_bounded(
    firestore: FirestoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_CHANGES", 3)
    await publish_changes(firestore, {str(number): "1" for number in range(5)}, NOW)
    assert [item["key"] for item in await stored_changes(firestore)] == ["2", "3", "4"]


async def test_a_document_damaged_by_hand_contains_no_changes(
    feed: ChangeFeed, firestore: FirestoreClient
) -> None:
    await paths.recent_changes_document(firestore).set({"changes": [1, {"key": KEY}]})
    await feed.ensure_current()
    assert feed.get_version(KEY) is None
    await publish_changes(firestore, {KEY: "1"}, NOW)
    assert len(await stored_changes(firestore)) == 1


async def test_a_changed_secret_is_read_again_and_no_other(
    directory: RestaurantDirectory,
    fake_secret_source: InMemorySecretSource,
    firestore: FirestoreClient,
    restaurant: Restaurant,
    timer: FakeTimer,
) -> None:
    fake_secret_source.payloads = {
        restaurant.secret: {"bearerTokens": ["old"]},
        "partner": {"apiKey": "key"},
    }
    await directory.changes.ensure_current()
    await directory.load_credentials(restaurant.settings())
    fake_secret_source.payloads[restaurant.secret] = {"bearerTokens": ["new"]}
    await publish_changes(firestore, {secret_change_key(restaurant.secret): "2"}, NOW)
    timer.advance(CHANGE_PICKUP_SECONDS)
    await directory.changes.ensure_current()
    assert (await directory.load_credentials(restaurant.settings())).bearer_tokens == ("new",)
    assert fake_secret_source.reads == {restaurant.secret: 2, "partner": 1}


async def test_a_change_of_settings_is_recorded(
    firestore: FirestoreClient, seeded_restaurant: Restaurant
) -> None:
    await update_settings(firestore, seeded_restaurant.id, {"enabled": False}, NOW)
    [change] = await stored_changes(firestore)
    assert change["key"] == restaurant_change_key(seeded_restaurant.id)


async def test_a_rid_released_for_another_is_unknown_after_the_pickup_time(
    directory: RestaurantDirectory,
    firestore: FirestoreClient,
    seeded_restaurant: Restaurant,
    timer: FakeTimer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await directory.changes.ensure_current()
    assert await directory.find_by_rid(seeded_restaurant.rid)
    await update_settings(firestore, seeded_restaurant.id, {"restaurantId": "777"}, NOW)
    timer.advance(CHANGE_PICKUP_SECONDS)
    await directory.changes.ensure_current()
    assert await directory.find_by_rid(seeded_restaurant.rid) is None
    # With the cached claim, the instance would log that claim and settings differ.
    assert "rid_claim" not in capsys.readouterr().out
    assert await directory.find_by_rid("777")


async def test_a_repeated_rid_releases_nothing(
    directory: RestaurantDirectory, firestore: FirestoreClient, seeded_restaurant: Restaurant
) -> None:
    fields = {"restaurantId": seeded_restaurant.rid}
    await update_settings(firestore, seeded_restaurant.id, fields, NOW)
    assert await directory.find_by_rid(seeded_restaurant.rid)
