import asyncio
import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore.paths import integration_document, rid_claim_document
from shared.restaurants import directory as module
from shared.restaurants.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE, RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from shared.restaurants.settings import update_settings
from tests.support.clocks import FakeTimer
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import InMemorySecretSource, Restaurant, seed


async def test_a_restaurant_is_found_by_lineups_id(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant
) -> None:
    assert (
        await directory.find_by_restaurant_id(seeded_restaurant.id) == seeded_restaurant.settings()
    )


async def test_a_restaurant_is_found_by_its_rid(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant
) -> None:
    assert await directory.find_by_rid(seeded_restaurant.rid) == seeded_restaurant.settings()


async def test_settings_without_a_rid_claim_are_not_found_by_rid(
    directory: RestaurantDirectory, firestore: AsyncClient, seeded_restaurant: Restaurant
) -> None:
    await rid_claim_document(firestore, seeded_restaurant.rid).delete()
    assert await directory.find_by_rid(seeded_restaurant.rid) is None


async def test_settings_are_read_once_a_minute(
    directory: RestaurantDirectory,
    firestore_spy: FirestoreSpy,
    seeded_restaurant: Restaurant,
    timer: FakeTimer,
) -> None:
    for _ in range(3):
        await directory.find_by_restaurant_id(seeded_restaurant.id)
        timer.advance(19)
    assert firestore_spy.take_calls() == ["read"]


async def test_changed_settings_apply_within_a_minute(
    directory: RestaurantDirectory,
    firestore: AsyncClient,
    seeded_restaurant: Restaurant,
    timer: FakeTimer,
) -> None:
    await directory.find_by_restaurant_id(seeded_restaurant.id)
    await integration_document(firestore, seeded_restaurant.id).update({"enabled": False})
    timer.advance(60)
    found = await directory.find_by_restaurant_id(seeded_restaurant.id)
    assert found is not None
    assert not found.is_enabled


async def test_a_rid_claim_is_read_once_a_minute(
    directory: RestaurantDirectory,
    firestore_spy: FirestoreSpy,
    seeded_restaurant: Restaurant,
    timer: FakeTimer,
) -> None:
    await directory.find_by_rid(seeded_restaurant.rid)
    timer.advance(59)
    await directory.find_by_rid(seeded_restaurant.rid)
    assert firestore_spy.take_calls() == ["read", "read"]


async def test_a_missing_restaurant_is_cached_for_a_minute(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    for _ in range(3):
        assert await directory.find_by_restaurant_id("nobody") is None
        timer.advance(19)
    assert firestore_spy.take_calls() == ["read"]


async def test_a_new_restaurant_is_found_within_a_minute(
    directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_restaurant_id(restaurant.id)
    await seed(firestore, restaurant)
    timer.advance(60)
    assert await directory.find_by_restaurant_id(restaurant.id) is not None


async def test_concurrent_lookups_share_one_read(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy, seeded_restaurant: Restaurant
) -> None:
    await asyncio.gather(
        *(directory.find_by_restaurant_id(seeded_restaurant.id) for _ in range(50))
    )
    assert firestore_spy.take_calls() == ["read"]


@pytest.mark.parametrize("id_", ["", "a/b", "..", "ä", "x" * 129, "a b", "a\x00b", "__a__/"])
async def test_an_invalid_id_is_not_looked_up(
    id_: str, directory: RestaurantDirectory, firestore_spy: FirestoreSpy
) -> None:
    assert await directory.find_by_restaurant_id(id_) is None
    assert firestore_spy.take_calls() == []


@pytest.mark.parametrize("rid", ["", "12a", "1" * 19, "-1", "٣", "1.0"])
async def test_an_invalid_rid_is_not_looked_up(
    rid: str, directory: RestaurantDirectory, firestore_spy: FirestoreSpy
) -> None:
    assert await directory.find_by_rid(rid) is None
    assert firestore_spy.take_calls() == []


async def test_a_rid_claim_that_differs_from_the_settings_is_not_found(
    directory: RestaurantDirectory, firestore: AsyncClient, seeded_restaurant: Restaurant
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": seeded_restaurant.id})
    assert await directory.find_by_rid("777") is None


async def test_a_route_that_disagrees_raises_an_alarm(
    directory: RestaurantDirectory,
    firestore: AsyncClient,
    seeded_restaurant: Restaurant,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": seeded_restaurant.id})
    await directory.find_by_rid("777")
    line = json.loads(capsys.readouterr().out)
    assert (line["severity"], line["event"], line["rid"]) == ("ERROR", "rid_claim.mismatch", "777")


@pytest.mark.parametrize("claimed", [None, 5, "", "a/b", "nobody", ["restaurant-123"]])
async def test_a_rid_claim_without_settings_is_not_found(
    claimed: object, directory: RestaurantDirectory, firestore: AsyncClient
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": claimed})
    assert await directory.find_by_rid("777") is None


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_a_firestore_failure_is_not_a_missing_restaurant(
    error: type[Exception],
    directory: RestaurantDirectory,
    firestore_spy: FirestoreSpy,
    seeded_restaurant: Restaurant,
) -> None:
    firestore_spy.failure = error
    with pytest.raises(ServiceUnavailableError, match=error.__name__):
        await directory.find_by_restaurant_id(seeded_restaurant.id)
    firestore_spy.failure = None
    assert await directory.find_by_restaurant_id(seeded_restaurant.id) is not None


async def test_the_partner_secret_completes_the_restaurants_own(
    directory: RestaurantDirectory, fake_secret_source: InMemorySecretSource, restaurant: Restaurant
) -> None:
    fake_secret_source.payloads = {
        restaurant.secret: {"bearerTokens": ["own"]},
        "partner": {"apiKey": "key"},
    }
    credentials = await directory.load_credentials(restaurant.settings())
    assert (credentials.bearer_tokens, credentials.api_key) == (("own",), "key")


async def test_a_restaurant_without_a_secret_uses_the_partners(
    directory: RestaurantDirectory, fake_secret_source: InMemorySecretSource, restaurant: Restaurant
) -> None:
    fake_secret_source.payloads = {"partner": {"apiKey": "key"}}
    assert (await directory.load_credentials(restaurant.settings(secret=None))).api_key == "key"


async def test_an_error_for_a_missing_secret_says_what_to_do(
    firestore_spy: FirestoreSpy,
    fake_secret_source: InMemorySecretSource,
    timer: FakeTimer,
    restaurant: Restaurant,
) -> None:
    directory = RestaurantDirectory(
        firestore_spy.client, CredentialCache(fake_secret_source.read, timer), None, timer
    )
    with pytest.raises(InvalidSettingsError, match="OPENTABLE_PARTNER_SECRET is not set"):
        await directory.load_credentials(restaurant.settings(secret=None))


async def test_an_id_that_firestore_reserves_is_not_found(directory: RestaurantDirectory) -> None:
    assert await directory.find_by_restaurant_id("__name__") is None


async def look_up_invented_restaurants(directory: RestaurantDirectory, lookups: int) -> None:
    """Look up invented restaurants at once."""
    ids = (f"invented-{number}" for number in range(lookups))
    assert set(await asyncio.gather(*map(directory.find_by_restaurant_id, ids))) == {None}


async def test_lookups_of_invented_ids_are_limited_by_a_budget(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    calls = Counter(firestore_spy.take_calls())
    assert calls == {"read": MAX_UNKNOWN_LOOKUPS_PER_MINUTE, "query": 1}


async def test_a_restaurant_that_was_never_looked_up_is_found_during_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    found = await directory.find_by_restaurant_id(seeded_restaurant.id)
    assert found == seeded_restaurant.settings()


async def test_a_rid_that_was_never_looked_up_is_found_during_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    assert await directory.find_by_rid(seeded_restaurant.rid) == seeded_restaurant.settings()


async def test_a_restaurant_connected_during_a_flood_is_found_when_its_change_is_known(
    directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant, timer: FakeTimer
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    await update_settings(firestore, restaurant.id, restaurant.document(), datetime.now(UTC))
    assert await directory.find_by_rid(restaurant.rid) is None
    timer.advance(5)
    await directory.changes.ensure_current()
    assert await directory.find_by_rid(restaurant.rid) is not None
    assert await directory.find_by_restaurant_id(restaurant.id) is not None


async def test_a_sender_with_the_partners_credential_needs_no_budget(
    directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant
) -> None:
    await look_up_invented_restaurants(directory, 1000)  # reads the list of claims
    await seed(firestore, restaurant)
    assert await directory.find_by_rid(restaurant.rid) is None
    assert await directory.find_by_rid(restaurant.rid, is_partner=True) is not None


async def test_the_budget_returns_after_a_minute(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy, timer: FakeTimer
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    timer.advance(60)
    firestore_spy.take_calls()
    assert await directory.find_by_restaurant_id("one-more") is None
    assert firestore_spy.take_calls() == ["read"]


async def test_a_known_restaurant_is_found_during_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_restaurant_id(seeded_restaurant.id)
    timer.advance(60)
    await look_up_invented_restaurants(directory, 1000)
    assert await directory.find_by_restaurant_id(seeded_restaurant.id) is not None


async def test_a_known_rid_is_found_during_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_rid(seeded_restaurant.rid)
    timer.advance(60)
    await look_up_invented_restaurants(directory, 1000)
    assert await directory.find_by_rid(seeded_restaurant.rid) is not None


async def test_a_known_rid_is_looked_up_as_restaurant_id_during_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_rid(seeded_restaurant.rid)
    timer.advance(60)
    await look_up_invented_restaurants(directory, 1000)
    assert await directory.find_by_restaurant_id(seeded_restaurant.rid) is None


async def test_known_rids_use_no_budget(
    directory: RestaurantDirectory, firestore: AsyncClient
) -> None:
    many = [
        Restaurant(f"r{n}", f"{900_000 + n}") for n in range(MAX_UNKNOWN_LOOKUPS_PER_MINUTE + 5)
    ]
    await asyncio.gather(*(seed(firestore, one) for one in many))
    for one in many:
        assert await directory.find_by_restaurant_id(one.rid) is None
        assert await directory.find_by_rid(one.rid) is not None


async def test_memory_is_bounded(
    directory: RestaurantDirectory,
    firestore_spy: FirestoreSpy,
    monkeypatch: pytest.MonkeyPatch,
    timer: FakeTimer,
) -> None:
    monkeypatch.setattr(module, "_MAX_CACHED_RESTAURANTS", 10)
    small = RestaurantDirectory(firestore_spy.client, directory._credential_cache, None, timer)
    await look_up_invented_restaurants(small, 100)
    assert (len(small._settings._tasks), len(small._known_keys)) == (10, 0)


async def test_a_restaurant_stored_by_hand_during_a_flood_is_found_with_the_next_list(
    directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant, timer: FakeTimer
) -> None:
    await look_up_invented_restaurants(directory, 1000)
    await seed(firestore, restaurant)
    assert await directory.find_by_rid(restaurant.rid) is None
    timer.advance(1)
    assert await directory.find_by_rid(restaurant.rid) is not None


async def test_a_flood_lists_at_most_100_claims_per_second(
    directory: RestaurantDirectory,
    firestore: AsyncClient,
    firestore_spy: FirestoreSpy,
    timer: FakeTimer,
) -> None:
    for number in range(300):
        await rid_claim_document(firestore, f"{number}").set({"restaurantId": f"r{number}"})
    for _ in range(10):
        await look_up_invented_restaurants(directory, 200)
        timer.advance(0.5)
    assert Counter(firestore_spy.take_calls())["query"] == 2


async def test_a_failed_list_is_not_a_missing_restaurant(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy
) -> None:
    ids = [f"invented-{number}" for number in range(MAX_UNKNOWN_LOOKUPS_PER_MINUTE)]
    await asyncio.gather(*map(directory.find_by_restaurant_id, ids))
    firestore_spy.failure = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await directory.find_by_restaurant_id("one-more")
