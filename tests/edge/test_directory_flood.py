"""A flood of made-up restaurants costs little, and known ones get through it."""

import asyncio

import pytest
from google.cloud.firestore import AsyncClient

from shared.edge import directory as module
from shared.edge.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE, RestaurantDirectory
from shared.errors import ServiceUnavailableError
from tests.restaurants import Restaurant, seed
from tests.timer import FakeTimer
from tests.wire import FirestoreSpy


async def flood(directory: RestaurantDirectory, asked: int) -> int:
    """Ask for that many made-up restaurants; return how many were refused unasked."""
    answers = await asyncio.gather(
        *(directory.find_by_restaurant_id(f"made-up-{number}") for number in range(asked)),
        return_exceptions=True,
    )
    return sum(isinstance(answer, ServiceUnavailableError) for answer in answers)


async def test_lookups_of_invented_ids_are_limited_by_a_budget(
    directory: RestaurantDirectory, firestore_spy: FirestoreSpy
) -> None:
    refused = await flood(directory, 1000)
    assert refused == 1000 - MAX_UNKNOWN_LOOKUPS_PER_MINUTE
    assert len(firestore_spy.take_calls()) == MAX_UNKNOWN_LOOKUPS_PER_MINUTE


async def test_the_budget_returns_after_a_minute(
    directory: RestaurantDirectory, timer: FakeTimer
) -> None:
    await flood(directory, 1000)
    timer.advance(60)
    assert await directory.find_by_restaurant_id("one-more") is None


async def test_a_known_restaurant_gets_through_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_restaurant_id(seeded_restaurant.id)
    timer.advance(60)
    await flood(directory, 1000)
    assert await directory.find_by_restaurant_id(seeded_restaurant.id) is not None


async def test_a_known_number_gets_through_a_flood(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_rid(seeded_restaurant.rid)
    timer.advance(60)
    await flood(directory, 1000)
    assert await directory.find_by_rid(seeded_restaurant.rid) is not None


async def test_a_known_number_gets_through_a_flood_also_where_it_may_be_lineups_id(
    directory: RestaurantDirectory, seeded_restaurant: Restaurant, timer: FakeTimer
) -> None:
    await directory.find_by_rid(seeded_restaurant.rid)
    timer.advance(60)
    await flood(directory, 1000)
    assert await directory.find_by_restaurant_id(seeded_restaurant.rid) is None


async def test_many_known_numbers_use_up_no_budget(
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
    await flood(small, 100)
    assert (len(small._settings._tasks), len(small._known_ids)) == (10, 0)
