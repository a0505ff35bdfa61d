import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions as google

from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore.paths import integration_document, rid_claim_document
from shared.firestore.raw_client import FirestoreClient
from shared.restaurants import directory as module
from shared.restaurants.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE, RestaurantDirectory
from shared.restaurants.settings import update_settings
from tests.support.clocks import FakeTimer
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import InMemorySecretSource, Restaurant, seed


@dataclass
class DirectoryScenario:
    """A directory, and a restaurant to find with it; `spy` has the calls of the directory."""

    directory: RestaurantDirectory
    restaurant: Restaurant
    firestore: FirestoreClient
    spy: FirestoreSpy
    timer: FakeTimer

    async def find_by_id(self) -> IntegrationSettings | None:
        return await self.directory.find_by_restaurant_id(self.restaurant.id)

    async def find_by_rid(self, *, is_partner: bool = False) -> IntegrationSettings | None:
        return await self.directory.find_by_rid(self.restaurant.rid, is_partner=is_partner)

    async def flood(self, lookups: int = 1000) -> None:
        """Look up invented restaurants at once."""
        ids = (f"invented-{number}" for number in range(lookups))
        assert set(await asyncio.gather(*map(self.directory.find_by_restaurant_id, ids))) == {None}


Find = Callable[[DirectoryScenario], Awaitable[IntegrationSettings | None]]
by_each_id = pytest.mark.parametrize(
    "find", [DirectoryScenario.find_by_id, DirectoryScenario.find_by_rid]
)


@pytest.fixture
def scenario(
    directory: RestaurantDirectory,
    restaurant: Restaurant,
    firestore: FirestoreClient,
    firestore_spy: FirestoreSpy,
    timer: FakeTimer,
) -> DirectoryScenario:
    return DirectoryScenario(directory, restaurant, firestore, firestore_spy, timer)


@pytest.fixture
async def seeded(scenario: DirectoryScenario) -> DirectoryScenario:
    """The same with a stored restaurant."""
    await seed(scenario.firestore, scenario.restaurant)
    return scenario


@by_each_id
async def test_a_restaurant_is_found(find: Find, seeded: DirectoryScenario) -> None:
    assert await find(seeded) == seeded.restaurant.settings()


async def test_settings_without_a_rid_claim_are_not_found_by_rid(seeded: DirectoryScenario) -> None:
    await rid_claim_document(seeded.firestore, seeded.restaurant.rid).delete()
    assert await seeded.find_by_rid() is None


async def test_settings_are_read_once_a_minute(seeded: DirectoryScenario) -> None:
    for _ in range(3):
        await seeded.find_by_id()
        seeded.timer.advance(19)
    assert seeded.spy.take_calls() == ["read"]


async def test_changed_settings_apply_within_a_minute(seeded: DirectoryScenario) -> None:
    await seeded.find_by_id()
    await integration_document(seeded.firestore, seeded.restaurant.id).update({"enabled": False})
    seeded.timer.advance(60)
    found = await seeded.find_by_id()
    assert found is not None
    assert not found.is_enabled


async def test_a_rid_claim_is_read_once_a_minute(seeded: DirectoryScenario) -> None:
    await seeded.find_by_rid()
    seeded.timer.advance(59)
    await seeded.find_by_rid()
    assert seeded.spy.take_calls() == ["read", "read"]


async def test_a_missing_restaurant_is_cached_for_a_minute(scenario: DirectoryScenario) -> None:
    for _ in range(3):
        assert await scenario.directory.find_by_restaurant_id("nobody") is None
        scenario.timer.advance(19)
    assert scenario.spy.take_calls() == ["read"]


async def test_a_new_restaurant_is_found_within_a_minute(scenario: DirectoryScenario) -> None:
    await scenario.find_by_id()
    await seed(scenario.firestore, scenario.restaurant)
    scenario.timer.advance(60)
    assert await scenario.find_by_id() is not None


async def test_concurrent_lookups_share_one_read(seeded: DirectoryScenario) -> None:
    await asyncio.gather(*(seeded.find_by_id() for _ in range(50)))
    assert seeded.spy.take_calls() == ["read"]


@pytest.mark.parametrize("id_", ["", "a/b", "..", "ä", "x" * 129, "a b", "a\x00b", "__a__/"])
async def test_an_invalid_id_is_not_looked_up(id_: str, scenario: DirectoryScenario) -> None:
    assert await scenario.directory.find_by_restaurant_id(id_) is None
    assert scenario.spy.take_calls() == []


@pytest.mark.parametrize("rid", ["", "12a", "1" * 19, "-1", "٣", "1.0"])
async def test_an_invalid_rid_is_not_looked_up(rid: str, scenario: DirectoryScenario) -> None:
    assert await scenario.directory.find_by_rid(rid) is None
    assert scenario.spy.take_calls() == []


async def test_a_rid_claim_that_differs_from_the_settings_is_not_found(
    seeded: DirectoryScenario,
) -> None:
    await rid_claim_document(seeded.firestore, "777").set({"restaurantId": seeded.restaurant.id})
    assert await seeded.directory.find_by_rid("777") is None


async def test_a_route_that_disagrees_raises_an_alarm(
    seeded: DirectoryScenario, capsys: pytest.CaptureFixture[str]
) -> None:
    await rid_claim_document(seeded.firestore, "777").set({"restaurantId": seeded.restaurant.id})
    await seeded.directory.find_by_rid("777")
    line = json.loads(capsys.readouterr().out)
    assert (line["severity"], line["event"], line["rid"]) == ("ERROR", "rid_claim.mismatch", "777")


@pytest.mark.parametrize("claimed", [None, 5, "", "a/b", "nobody", ["restaurant-123"]])
async def test_a_rid_claim_without_settings_is_not_found(
    claimed: object, scenario: DirectoryScenario
) -> None:
    await rid_claim_document(scenario.firestore, "777").set({"restaurantId": claimed})
    assert await scenario.directory.find_by_rid("777") is None


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_a_firestore_failure_is_not_a_missing_restaurant(
    error: type[Exception], seeded: DirectoryScenario
) -> None:
    seeded.spy.failure = error
    with pytest.raises(ServiceUnavailableError, match=error.__name__):
        await seeded.find_by_id()
    seeded.spy.failure = None
    assert await seeded.find_by_id() is not None


async def test_the_partner_secret_completes_the_restaurants_own(
    scenario: DirectoryScenario, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.payloads = {
        scenario.restaurant.secret: {"bearerTokens": ["own"]},
        "partner": {"apiKey": "key"},
    }
    credentials = await scenario.directory.load_credentials(scenario.restaurant.settings())
    assert (credentials.bearer_tokens, credentials.api_key) == (("own",), "key")


async def test_a_restaurant_without_a_secret_uses_the_partners(
    scenario: DirectoryScenario, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.payloads = {"partner": {"apiKey": "key"}}
    settings = scenario.restaurant.settings(secret=None)
    assert (await scenario.directory.load_credentials(settings)).api_key == "key"


async def test_an_error_for_a_missing_secret_says_what_to_do(scenario: DirectoryScenario) -> None:
    cache = scenario.directory._credential_cache
    directory = RestaurantDirectory(scenario.spy.client, cache, None, scenario.timer)
    with pytest.raises(InvalidSettingsError, match="OPENTABLE_PARTNER_SECRET is not set"):
        await directory.load_credentials(scenario.restaurant.settings(secret=None))


async def test_an_id_that_firestore_reserves_is_not_found(directory: RestaurantDirectory) -> None:
    assert await directory.find_by_restaurant_id("__name__") is None


async def test_lookups_of_invented_ids_are_limited_by_a_budget(scenario: DirectoryScenario) -> None:
    await scenario.flood()
    calls = Counter(scenario.spy.take_calls())
    assert calls == {"read": MAX_UNKNOWN_LOOKUPS_PER_MINUTE, "query": 1}


@by_each_id
async def test_a_restaurant_that_was_never_looked_up_is_found_during_a_flood(
    find: Find, seeded: DirectoryScenario
) -> None:
    await seeded.flood()
    assert await find(seeded) == seeded.restaurant.settings()


async def test_a_restaurant_connected_during_a_flood_is_found_when_its_change_is_known(
    scenario: DirectoryScenario,
) -> None:
    await scenario.flood()
    restaurant = scenario.restaurant
    settings = restaurant.document()
    await update_settings(scenario.firestore, restaurant.id, settings, datetime.now(UTC))
    assert await scenario.find_by_rid() is None
    scenario.timer.advance(5)
    await scenario.directory.changes.ensure_current()
    assert await scenario.find_by_rid() is not None
    assert await scenario.find_by_id() is not None


async def test_a_sender_with_the_partners_credential_needs_no_budget(
    scenario: DirectoryScenario,
) -> None:
    await scenario.flood()  # reads the list of claims
    await seed(scenario.firestore, scenario.restaurant)
    assert await scenario.find_by_rid() is None
    assert await scenario.find_by_rid(is_partner=True) is not None


async def test_the_budget_returns_after_a_minute(scenario: DirectoryScenario) -> None:
    await scenario.flood()
    scenario.timer.advance(60)
    scenario.spy.take_calls()
    assert await scenario.directory.find_by_restaurant_id("one-more") is None
    assert scenario.spy.take_calls() == ["read"]


@by_each_id
async def test_a_known_restaurant_is_found_during_a_flood(
    find: Find, seeded: DirectoryScenario
) -> None:
    await find(seeded)
    seeded.timer.advance(60)
    await seeded.flood()
    assert await find(seeded) is not None


async def test_a_known_rid_is_looked_up_as_restaurant_id_during_a_flood(
    seeded: DirectoryScenario,
) -> None:
    await seeded.find_by_rid()
    seeded.timer.advance(60)
    await seeded.flood()
    assert await seeded.directory.find_by_restaurant_id(seeded.restaurant.rid) is None


async def test_known_rids_use_no_budget(scenario: DirectoryScenario) -> None:
    many = [
        Restaurant(f"r{n}", f"{900_000 + n}") for n in range(MAX_UNKNOWN_LOOKUPS_PER_MINUTE + 5)
    ]
    await asyncio.gather(*(seed(scenario.firestore, one) for one in many))
    for one in many:
        assert await scenario.directory.find_by_restaurant_id(one.rid) is None
        assert await scenario.directory.find_by_rid(one.rid) is not None


async def test_memory_is_bounded(
    scenario: DirectoryScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_CACHED_RESTAURANTS", 10)
    cache = scenario.directory._credential_cache
    small = RestaurantDirectory(scenario.spy.client, cache, None, scenario.timer)
    await replace(scenario, directory=small).flood(100)
    assert (len(small._settings._tasks), len(small._known_keys)) == (10, 0)


async def test_a_restaurant_stored_by_hand_during_a_flood_is_found_with_the_next_list(
    scenario: DirectoryScenario,
) -> None:
    await scenario.flood()
    await seed(scenario.firestore, scenario.restaurant)
    assert await scenario.find_by_rid() is None
    scenario.timer.advance(1)
    assert await scenario.find_by_rid() is not None


async def test_a_flood_lists_at_most_100_claims_per_second(scenario: DirectoryScenario) -> None:
    for number in range(300):
        claim = rid_claim_document(scenario.firestore, f"{number}")
        await claim.set({"restaurantId": f"r{number}"})
    for _ in range(10):
        await scenario.flood(200)
        scenario.timer.advance(0.5)
    assert Counter(scenario.spy.take_calls())["query"] == 2


async def test_a_failed_list_is_not_a_missing_restaurant(scenario: DirectoryScenario) -> None:
    ids = [f"invented-{number}" for number in range(MAX_UNKNOWN_LOOKUPS_PER_MINUTE)]
    await asyncio.gather(*map(scenario.directory.find_by_restaurant_id, ids))
    scenario.spy.failure = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await scenario.directory.find_by_restaurant_id("one-more")
