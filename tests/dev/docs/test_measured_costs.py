"""The documented reads and writes of each step equal the measured ones."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.cloud.firestore_v1._helpers import encode_dict
from google.cloud.firestore_v1.types import Document
from msgspec.structs import replace

from dev.docs import capacity as a
from sandbox.guest_actions import GuestActions
from sandbox.models import SandboxReservation
from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.firestore.raw_client import FirestoreClient
from shared.guests.sync import fetch_guest_after_commit
from shared.ledger.ledger import ApplyResult
from tests.support.firestore import FirestoreUsageMeter
from tests.support.world import NEW_YORK, START_TIME, World, make_world

TWO_HOURS = 7_200  # beyond the lookback


@pytest.fixture
def usage_meter(firestore: FirestoreClient) -> FirestoreUsageMeter:
    return FirestoreUsageMeter(firestore)


@pytest.fixture
async def world(
    firestore: FirestoreClient, usage_meter: FirestoreUsageMeter
) -> AsyncIterator[World]:
    """A world after one poll, with metered Firestore calls."""
    made = await make_world(firestore)
    await made.poll()
    yield replace(made, services=replace(made.services, firestore=usage_meter.client))
    made.executor.shutdown()


def book_with_guest(world: World) -> SandboxReservation:
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    guest = guests.add("Ada", "Example").key
    return world.desk.create(START_TIME + timedelta(days=2), 2, guest_key=guest)


async def ingest_reservation(world: World, reservation: SandboxReservation) -> ApplyResult:
    row = build_webhook_row(
        reservation, RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    )
    result = await world.ingest_row(row)
    assert isinstance(result, ApplyResult)
    return result


async def test_cost_of_a_booking_its_guest_and_a_change(
    world: World, usage_meter: FirestoreUsageMeter
) -> None:
    booked = book_with_guest(world)
    taken = await ingest_reservation(world, booked)
    assert usage_meter.take_counts() == a.CREATED_READS_WRITES
    await fetch_guest_after_commit(world.services, world.settings(), taken)
    assert usage_meter.take_counts() == a.GUEST_FETCH_READS_WRITES
    await ingest_reservation(world, world.desk.change_party_size(booked.key, 5))
    assert usage_meter.take_counts() == a.UPDATED_READS_WRITES


async def test_cost_of_an_empty_poll(world: World, usage_meter: FirestoreUsageMeter) -> None:
    await world.poll()
    assert usage_meter.take_counts() == a.EMPTY_POLL_READS_WRITES


async def test_cost_of_a_poll_after_webhooks(
    world: World, usage_meter: FirestoreUsageMeter
) -> None:
    for _ in range(2):
        await fetch_guest_after_commit(
            world.services,
            world.settings(),
            await ingest_reservation(world, book_with_guest(world)),
        )
    usage_meter.take_counts()
    await world.poll()
    reads, writes = a.EMPTY_POLL_READS_WRITES
    reads += 2 * (a.UNCHANGED_ROW_READS + a.UNCHANGED_GUEST_READS)
    read, written = usage_meter.take_counts()
    assert (read <= reads, written) == (True, writes)


@pytest.mark.parametrize("rows", [1, 8])
async def test_cost_of_a_reconciliation_without_differences(
    world: World, usage_meter: FirestoreUsageMeter, rows: int
) -> None:
    for _ in range(rows):
        await ingest_reservation(world, world.desk.create(START_TIME + timedelta(days=2), 2))
    world.clock.advance(TWO_HOURS)
    await world.reconcile()
    usage_meter.take_counts()
    await world.reconcile()
    reads, writes = a.EMPTY_RECONCILIATION_READS_WRITES
    # And one read of the test's own, of the report.
    assert usage_meter.take_counts() == (reads + rows * a.COMPARED_ROW_READS + 1, writes)


async def test_size_of_a_reservation_and_a_journal_entry(
    world: World, firestore: FirestoreClient
) -> None:
    for _ in range(3):
        booked = book_with_guest(world)
        await fetch_guest_after_commit(
            world.services, world.settings(), await ingest_reservation(world, booked)
        )
        for size in range(3, 8):
            await ingest_reservation(world, world.desk.change_party_size(booked.key, size))
    plain = replace(world, services=replace(world.services, firestore=firestore))
    reservations, entries = list[int](), list[int]()
    for path, document in (await plain.all_documents()).items():
        kept = Document.serialize(Document(fields=encode_dict(document)))
        of = {"reservations": reservations, "ledgerEvents": entries}.get(path.split("/")[-2])
        if of is not None:
            of.append(len(kept) + len(path))
    assert sum(reservations) / len(reservations) == pytest.approx(a.RESERVATION_BYTES, rel=0.25)
    assert sum(entries) / len(entries) == pytest.approx(a.ENTRY_BYTES, rel=0.25)
