"""A flood of made-up restaurants costs little, and known ones get through it."""

import asyncio

import pytest
from google.cloud.firestore import AsyncClient

from shared.edge import directory as module
from shared.edge.directory import UNKNOWN_LOOK_UPS_A_MINUTE, Directory
from shared.errors import LedgerUnavailableError
from tests.restaurants import Restaurant, seed
from tests.timer import Timer
from tests.wire import Wire


async def flood(directory: Directory, asked: int) -> int:
    """Ask for that many made-up restaurants; return how many were refused unasked."""
    answers = await asyncio.gather(
        *(directory.by_restaurant_id(f"made-up-{number}") for number in range(asked)),
        return_exceptions=True,
    )
    return sum(isinstance(answer, LedgerUnavailableError) for answer in answers)


async def test_a_flood_of_made_up_ids_is_looked_up_within_a_budget(
    directory: Directory, wire: Wire
) -> None:
    refused = await flood(directory, 1000)
    assert refused == 1000 - UNKNOWN_LOOK_UPS_A_MINUTE
    assert len(wire.counted()) == UNKNOWN_LOOK_UPS_A_MINUTE


async def test_the_budget_returns_after_a_minute(directory: Directory, timer: Timer) -> None:
    await flood(directory, 1000)
    timer.wait(60)
    assert await directory.by_restaurant_id("one-more") is None


async def test_a_known_restaurant_gets_through_a_flood(
    directory: Directory, seeded: Restaurant, timer: Timer
) -> None:
    await directory.by_restaurant_id(seeded.id)
    timer.wait(60)
    await flood(directory, 1000)
    assert await directory.by_restaurant_id(seeded.id) is not None


async def test_a_known_number_gets_through_a_flood(
    directory: Directory, seeded: Restaurant, timer: Timer
) -> None:
    await directory.by_rid(seeded.rid)
    timer.wait(60)
    await flood(directory, 1000)
    assert await directory.by_rid(seeded.rid) is not None


async def test_a_known_number_gets_through_a_flood_also_where_it_may_be_lineups_id(
    directory: Directory, seeded: Restaurant, timer: Timer
) -> None:
    await directory.by_rid(seeded.rid)
    timer.wait(60)
    await flood(directory, 1000)
    assert await directory.by_restaurant_id(seeded.rid) is None


async def test_many_known_numbers_use_up_no_budget(
    directory: Directory, firestore: AsyncClient
) -> None:
    many = [Restaurant(f"r{n}", f"{900_000 + n}") for n in range(UNKNOWN_LOOK_UPS_A_MINUTE + 5)]
    await asyncio.gather(*(seed(firestore, one) for one in many))
    for one in many:
        assert await directory.by_restaurant_id(one.rid) is None
        assert await directory.by_rid(one.rid) is not None


async def test_memory_is_bounded(
    directory: Directory, wire: Wire, monkeypatch: pytest.MonkeyPatch, timer: Timer
) -> None:
    monkeypatch.setattr(module, "_MOST_CACHED", 10)
    small = Directory(wire.client, directory._secrets, None, timer)
    await flood(small, 100)
    assert (len(small._settings._found), len(small._known)) == (10, 0)
