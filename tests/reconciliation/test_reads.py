"""What a reconciliation reads: the window once, and again only what differs."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.support.firestore import FirestoreSpy
from tests.support.world import START_TIME, World, make_world

SOON = START_TIME + timedelta(days=2)


@pytest.fixture
async def world(firestore_spy: FirestoreSpy) -> AsyncIterator[World]:
    made = await make_world(firestore_spy.client)
    yield made
    made.executor.shutdown()


async def reads(world: World, wire: FirestoreSpy) -> tuple[int, list[str]]:
    """Return how many reservations a reconciliation reads by name, and what it lists as changed."""
    before = wire.read_names.copy()
    report = await world.reconcile()
    named = [name for name in wire.read_names[len(before) :] if "/reservations/" in name]
    return len(named), [entry["externalId"] for entry in report["updated"]]


async def test_what_is_equal_is_not_read_a_second_time(
    world: World, firestore_spy: FirestoreSpy
) -> None:
    for guests in (2, 3, 4):
        world.desk.create(SOON, guests)
    await world.poll()
    assert await reads(world, firestore_spy) == (0, [])


async def test_what_differs_is_read_again_before_it_is_corrected(
    world: World, firestore_spy: FirestoreSpy
) -> None:
    booked = [world.desk.create(SOON, guests) for guests in (2, 3, 4)]
    await world.poll()
    world.desk.change_party_size(booked[1].key, 8)
    named, corrected = await reads(world, firestore_spy)
    assert named == 2  # once to plan, once to correct
    assert corrected == [booked[1].key.lower()]
