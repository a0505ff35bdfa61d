"""What the figures say that a step reads and writes, the code reads and writes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1._helpers import encode_dict
from google.cloud.firestore_v1.types import Document
from msgspec.structs import replace

from dev.sandbox.guestbook import GuestActions
from dev.sandbox.records import SandboxReservation
from dev.sandbox.rows import RenderContext, build_webhook_row
from dev.scale import assumed as a
from shared.edge.learning import fetch_guest_after_commit
from shared.edge.ledger import ApplyResult
from tests.meter import Meter
from tests.world import BEGINNING, NEW_YORK, World, make_world

TWO_HOURS = 7_200  # beyond the lookback


@pytest.fixture
def meter(firestore: AsyncClient) -> Meter:
    return Meter(firestore)


@pytest.fixture
async def world(firestore: AsyncClient, meter: Meter) -> AsyncIterator[World]:
    """A world that was polled once, its line to Firestore metered."""
    made = await make_world(firestore)
    await made.poll()
    yield replace(made, services=replace(made.services, firestore=meter.client))
    made.executor.shutdown()


def book(world: World) -> SandboxReservation:
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    guest = guests.add("Ada", "Example").key
    return world.desk.create(BEGINNING + timedelta(days=2), 2, guest_key=guest)


async def hear(world: World, reservation: SandboxReservation) -> ApplyResult:
    row = build_webhook_row(
        reservation, RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    )
    taken = await world.take_in(row)
    assert isinstance(taken, ApplyResult)
    return taken


async def test_a_booking_its_guest_and_a_change(world: World, meter: Meter) -> None:
    booked = book(world)
    taken = await hear(world, booked)
    assert meter.taken() == a.CREATED_READS_WRITES
    await fetch_guest_after_commit(world.services, world.settings(), taken)
    assert meter.taken() == a.GUEST_FETCH_READS_WRITES
    await hear(world, world.desk.change_party_size(booked.key, 5))
    assert meter.taken() == a.UPDATED_READS_WRITES


async def test_a_quiet_poll(world: World, meter: Meter) -> None:
    await world.poll()
    assert meter.taken() == a.EMPTY_POLL_READS_WRITES


async def test_a_poll_of_what_webhooks_brought(world: World, meter: Meter) -> None:
    for _ in range(2):
        await fetch_guest_after_commit(
            world.services, world.settings(), await hear(world, book(world))
        )
    meter.taken()
    await world.poll()
    reads, writes = a.EMPTY_POLL_READS_WRITES
    reads += 2 * (a.UNCHANGED_ROW_READS + a.UNCHANGED_GUEST_READS)
    read, written = meter.taken()
    assert (read <= reads, written) == (True, writes)


@pytest.mark.parametrize("rows", [1, 8])
async def test_a_quiet_reconciliation(world: World, meter: Meter, rows: int) -> None:
    for _ in range(rows):
        await hear(world, world.desk.create(BEGINNING + timedelta(days=2), 2))
    world.clock.advance(TWO_HOURS)
    await world.reconcile()
    meter.taken()
    await world.reconcile()
    reads, writes = a.EMPTY_RECONCILIATION_READS_WRITES
    # And one read of the test's own, of the report.
    assert meter.taken() == (reads + rows * a.COMPARED_ROW_READS + 1, writes)


async def test_the_bytes_of_a_reservation_and_of_an_entry(
    world: World, firestore: AsyncClient
) -> None:
    for _ in range(3):
        booked = book(world)
        await fetch_guest_after_commit(world.services, world.settings(), await hear(world, booked))
        for size in range(3, 8):
            await hear(world, world.desk.change_party_size(booked.key, size))
    plain = replace(world, services=replace(world.services, firestore=firestore))
    reservations, entries = list[int](), list[int]()
    for path, document in (await plain.everything()).items():
        kept = Document.serialize(Document(fields=encode_dict(document)))
        of = {"reservations": reservations, "ledgerEvents": entries}.get(path.split("/")[-2])
        if of is not None:
            of.append(len(kept) + len(path))
    assert sum(reservations) / len(reservations) == pytest.approx(a.RESERVATION_BYTES, rel=0.25)
    assert sum(entries) / len(entries) == pytest.approx(a.ENTRY_BYTES, rel=0.25)
