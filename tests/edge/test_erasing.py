"""Erasing beside writers that are under way, and when the store fails half-way."""

import json
from collections.abc import AsyncIterator

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from dev.sandbox.records import SandboxReservation
from shared.edge.erasing import erase_guest
from shared.errors import ServiceUnavailableError
from tests.edge.guest_party import SOON, Party
from tests.edge.marked_diner import keep, places_of
from tests.wire import Wire, failing
from tests.world import World, make_world


@pytest.fixture
async def party(firestore: AsyncClient) -> AsyncIterator[Party]:
    world = await make_world(firestore)
    yield Party(world)
    world.executor.shutdown()


@pytest.fixture
async def booked(party: Party) -> SandboxReservation:
    key = party.guests.add("Zoë", "Marked", "marked@example.com").key
    booked = party.world.desk.create(SOON, 2, guest_key=key, request="marked wish")
    await party.hear(booked)
    return booked


def another_instance(world: World, wire: Wire) -> World:
    return replace(world, services=replace(world.services, firestore=wire.client))


async def forget(party: Party, booked: SandboxReservation) -> None:
    party.world.clock.advance(900)
    party.guests.forget(str(booked.guest_key))
    assert (await party.world.poll())["status"] == "ok"


async def places(party: Party) -> list[str]:
    return places_of(await party.everything())


async def test_a_write_that_meets_the_erasure_is_decided_again(
    party: Party, booked: SandboxReservation, wire: Wire
) -> None:
    row = party.row(party.world.desk.set_notes(booked.key, "marked note"))

    async def erased_meanwhile() -> None:
        await forget(party, booked)

    wire.before.append(erased_meanwhile)
    await another_instance(party.world, wire).take_in(row)
    assert await places(party) == []


async def test_what_an_overtaken_write_left_is_erased_by_the_next_reconciliation(
    party: Party, booked: SandboxReservation, wire: Wire
) -> None:
    old = party.row(booked, guest_request="marked long ago", state=None, sequence_id=0)

    async def erased_meanwhile() -> None:
        await forget(party, booked)

    wire.before.append(erased_meanwhile)
    # It is older than all that is held: it writes an entry alone, which no document guards.
    await another_instance(party.world, wire).take_in(old)
    assert await places(party) != []
    await party.world.reconcile()
    assert await places(party) == []


async def test_a_reservation_created_while_its_guest_is_erased_is_erased_by_reconciliation(
    party: Party, booked: SandboxReservation, wire: Wire
) -> None:
    key = str(booked.guest_key)
    second = party.world.desk.create(SOON, 4, guest_key=key, request="marked too")
    row = party.row(second)

    async def erased_meanwhile() -> None:
        await forget(party, booked)

    wire.before.append(erased_meanwhile)
    await another_instance(party.world, wire).take_in(row)
    await party.world.reconcile()
    assert await places(party) == []


async def _go_on() -> None:
    """Let a commit pass."""


@pytest.mark.parametrize("passing", [2, 3, 4, 5])
async def test_an_erasure_that_failed_half_way_is_finished_by_the_next_poll(
    party: Party, booked: SandboxReservation, wire: Wire, passing: int
) -> None:
    body = {"data": {"email": "marked@example.com", "partySize": 0}}
    await keep(party.world, json.dumps(body))
    party.world.clock.advance(900)
    party.guests.forget(str(booked.guest_key))
    wire.before.extend([*[_go_on] * passing, failing(google.PermissionDenied)])
    assert (await another_instance(party.world, wire).poll())["status"] == "error"
    assert "forgottenAt" in (await party.held())[str(booked.guest_key).lower()]
    party.world.clock.advance(900)
    assert (await party.world.poll())["status"] == "ok"
    assert await places(party) == []


async def test_a_store_that_is_away_is_named(
    party: Party, booked: SandboxReservation, wire: Wire
) -> None:
    other = another_instance(party.world, wire)
    wire.refusal = google.ServiceUnavailable
    with pytest.raises(ServiceUnavailableError):
        await erase_guest(other.services, other.settings(), str(booked.guest_key).lower())
