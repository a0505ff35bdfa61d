"""Restaurants are found by either id, remembered for a minute, and a flood costs little."""

import asyncio
import json

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.edge.directory import RestaurantDirectory
from shared.edge.paths import integration_document, rid_claim_document
from shared.edge.secrets import CredentialCache
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from tests.restaurants import Restaurant, seed
from tests.safe import Safe
from tests.timer import Timer
from tests.wire import Wire


async def test_a_restaurant_is_found_by_lineups_id(
    directory: RestaurantDirectory, seeded: Restaurant
) -> None:
    assert await directory.find_by_restaurant_id(seeded.id) == seeded.settings()


async def test_a_restaurant_is_found_by_opentables_number(
    directory: RestaurantDirectory, seeded: Restaurant
) -> None:
    assert await directory.find_by_rid(seeded.rid) == seeded.settings()


async def test_settings_without_a_route_are_not_found_by_rid(
    directory: RestaurantDirectory, firestore: AsyncClient, seeded: Restaurant
) -> None:
    await rid_claim_document(firestore, seeded.rid).delete()
    assert await directory.find_by_rid(seeded.rid) is None


async def test_settings_are_read_once_a_minute(
    directory: RestaurantDirectory, wire: Wire, seeded: Restaurant, timer: Timer
) -> None:
    for _ in range(3):
        await directory.find_by_restaurant_id(seeded.id)
        timer.wait(19)
    assert wire.counted() == ["read"]


async def test_changed_settings_count_within_a_minute(
    directory: RestaurantDirectory, firestore: AsyncClient, seeded: Restaurant, timer: Timer
) -> None:
    await directory.find_by_restaurant_id(seeded.id)
    await integration_document(firestore, seeded.id).update({"enabled": False})
    timer.wait(60)
    found = await directory.find_by_restaurant_id(seeded.id)
    assert found is not None
    assert not found.is_enabled


async def test_a_route_is_read_once_a_minute(
    directory: RestaurantDirectory, wire: Wire, seeded: Restaurant, timer: Timer
) -> None:
    await directory.find_by_rid(seeded.rid)
    timer.wait(59)
    await directory.find_by_rid(seeded.rid)
    assert wire.counted() == ["read", "read"]


async def test_a_miss_is_remembered_for_a_minute(
    directory: RestaurantDirectory, wire: Wire, timer: Timer
) -> None:
    for _ in range(3):
        assert await directory.find_by_restaurant_id("nobody") is None
        timer.wait(19)
    assert wire.counted() == ["read"]


async def test_a_restaurant_that_opens_is_found_within_a_minute(
    directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant, timer: Timer
) -> None:
    await directory.find_by_restaurant_id(restaurant.id)
    await seed(firestore, restaurant)
    timer.wait(60)
    assert await directory.find_by_restaurant_id(restaurant.id) is not None


async def test_many_at_once_cause_one_look_up(
    directory: RestaurantDirectory, wire: Wire, seeded: Restaurant
) -> None:
    await asyncio.gather(*(directory.find_by_restaurant_id(seeded.id) for _ in range(50)))
    assert wire.counted() == ["read"]


@pytest.mark.parametrize("id_", ["", "a/b", "..", "ä", "x" * 129, "a b", "a\x00b", "__a__/"])
async def test_what_cannot_be_an_id_is_not_looked_up(
    id_: str, directory: RestaurantDirectory, wire: Wire
) -> None:
    assert await directory.find_by_restaurant_id(id_) is None
    assert wire.counted() == []


@pytest.mark.parametrize("rid", ["", "12a", "1" * 19, "-1", "٣", "1.0"])
async def test_what_cannot_be_a_number_is_not_looked_up(
    rid: str, directory: RestaurantDirectory, wire: Wire
) -> None:
    assert await directory.find_by_rid(rid) is None
    assert wire.counted() == []


async def test_a_route_that_disagrees_with_the_settings_finds_nobody(
    directory: RestaurantDirectory, firestore: AsyncClient, seeded: Restaurant
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": seeded.id})
    assert await directory.find_by_rid("777") is None


async def test_a_route_that_disagrees_raises_an_alarm(
    directory: RestaurantDirectory,
    firestore: AsyncClient,
    seeded: Restaurant,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": seeded.id})
    await directory.find_by_rid("777")
    line = json.loads(capsys.readouterr().out)
    assert (line["severity"], line["event"], line["rid"]) == ("ERROR", "route.disagrees", "777")


@pytest.mark.parametrize("claimed", [None, 5, "", "a/b", "nobody", ["restaurant-123"]])
async def test_a_route_to_nowhere_finds_nobody(
    claimed: object, directory: RestaurantDirectory, firestore: AsyncClient
) -> None:
    await rid_claim_document(firestore, "777").set({"restaurantId": claimed})
    assert await directory.find_by_rid("777") is None


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_firestore_away_is_no_miss(
    error: type[Exception], directory: RestaurantDirectory, wire: Wire, seeded: Restaurant
) -> None:
    wire.refusal = error
    with pytest.raises(ServiceUnavailableError, match=error.__name__):
        await directory.find_by_restaurant_id(seeded.id)
    wire.refusal = None
    assert await directory.find_by_restaurant_id(seeded.id) is not None


async def test_the_partners_secret_completes_a_restaurants_own(
    directory: RestaurantDirectory, safe: Safe, restaurant: Restaurant
) -> None:
    safe.payloads = {restaurant.secret: {"bearerTokens": ["own"]}, "partner": {"apiKey": "key"}}
    credentials = await directory.load_credentials(restaurant.settings())
    assert (credentials.bearer_tokens, credentials.api_key) == (("own",), "key")


async def test_a_restaurant_without_a_secret_is_served_by_the_partners(
    directory: RestaurantDirectory, safe: Safe, restaurant: Restaurant
) -> None:
    safe.payloads = {"partner": {"apiKey": "key"}}
    assert (await directory.load_credentials(restaurant.settings(secret=None))).api_key == "key"


async def test_no_secret_at_all_says_what_to_do(
    wire: Wire, safe: Safe, timer: Timer, restaurant: Restaurant
) -> None:
    alone = RestaurantDirectory(wire.client, CredentialCache(lambda: safe, timer), None, timer)
    with pytest.raises(InvalidSettingsError, match="OPENTABLE_PARTNER_SECRET is not set"):
        await alone.load_credentials(restaurant.settings(secret=None))


async def test_an_id_that_firestore_reserves_is_a_miss(directory: RestaurantDirectory) -> None:
    assert await directory.find_by_restaurant_id("__name__") is None
