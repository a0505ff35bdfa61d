"""The documented reads and writes of each step equal the measured ones."""

import json
from collections import defaultdict
from datetime import timedelta
from statistics import mean
from typing import Any

import pytest
from google.cloud.firestore_v1._helpers import encode_dict
from google.cloud.firestore_v1.types import Document
from msgspec.structs import replace

from dev.bootstrap import ROOT
from dev.docs import capacity as a
from functions.poll import ScheduledPollRequest, poll_restaurants
from functions.reconcile import ScheduledReconcileRequest, reconcile_restaurants
from functions.webhook import fetch_guest_after_commit
from sandbox.actions import GuestActions
from sandbox.http import SandboxRequest, SandboxResponse
from sandbox.models import SandboxReservation
from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.domain.validation import flatten_document
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.ledger import ApplyResult
from tests.support.firestore import FirestoreUsageMeter
from tests.support.world import NEW_YORK, START_TIME, World

TWO_HOURS = 7_200  # beyond the lookback


@pytest.fixture
def usage_meter(firestore: FirestoreClient) -> FirestoreUsageMeter:
    return FirestoreUsageMeter(firestore)


@pytest.fixture(autouse=True)
async def _metered_firestore(world: World, usage_meter: FirestoreUsageMeter) -> None:
    """Meter Firestore's calls after the first poll."""
    await world.poll()
    world.context = replace(world.context, firestore=usage_meter.client)


async def ingest_reservation(world: World, reservation: SandboxReservation) -> ApplyResult:
    render_context = RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    result = await world.ingest_row(build_webhook_row(reservation, render_context))
    assert isinstance(result, ApplyResult)
    return result


async def book(world: World, days: int = 2) -> None:
    booked = world.actions.create(START_TIME + timedelta(days=days), 2)
    await ingest_reservation(world, booked)


async def book_with_guest(world: World) -> tuple[SandboxReservation, ApplyResult]:
    guest = GuestActions(world.sandbox.store, int(world.restaurant.rid)).add("Ada", "Example")
    booked = world.actions.create(START_TIME + timedelta(days=2), 2, guest_key=guest.key)
    return booked, await ingest_reservation(world, booked)


async def test_cost_of_a_booking_its_guest_and_a_change(
    world: World, usage_meter: FirestoreUsageMeter
) -> None:
    booked, taken = await book_with_guest(world)
    assert usage_meter.take_counts() == a.CREATED_READS_WRITES
    await fetch_guest_after_commit(world.restaurant_context(), taken)
    assert usage_meter.take_counts() == a.GUEST_FETCH_READS_WRITES
    await ingest_reservation(world, world.actions.change_party_size(booked.key, 5))
    assert usage_meter.take_counts() == a.UPDATED_READS_WRITES


async def run_polls(world: World) -> None:
    """Poll as the scheduler does."""
    result = await poll_restaurants(world.context, ScheduledPollRequest())
    assert result.status_code == 200


async def run_reconciliations(world: World) -> None:
    """Reconcile as the scheduler does."""
    result = await reconcile_restaurants(world.context, ScheduledReconcileRequest())
    assert result.status_code == 200


@pytest.fixture
async def quiet_world(world: World, usage_meter: FirestoreUsageMeter) -> World:
    """A reconciled restaurant with proven webhooks, and nothing left to find."""
    await book(world)
    for _ in range(4):
        world.clock.advance(900)
        await world.poll()
    await world.reconcile(is_scheduled=True)
    world.clock.advance(TWO_HOURS)
    await world.poll()
    await world.reconcile(is_scheduled=True)
    world.clock.advance(1_800)
    usage_meter.take_counts()
    return world


async def test_cost_of_a_quiet_poll_and_of_a_skipped_one(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    reads, writes = a.QUIET_POLL_READS_WRITES
    await run_polls(quiet_world)
    assert usage_meter.take_counts() == (a.LISTED_READS + reads, writes)
    quiet_world.clock.advance(900)
    await run_polls(quiet_world)
    assert usage_meter.take_counts() == (a.LISTED_READS, 0)


async def test_a_quiet_restaurant_is_polled_as_often_as_assumed(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    polls = 0
    for _ in range(a.POLLS_PER_DAY // 8):
        quiet_world.clock.advance(900)
        await run_polls(quiet_world)
        polls += usage_meter.take_counts()[1]
    assert polls * 8 == a.QUIET_POLLS_PER_DAY


async def test_cost_of_a_quiet_poll_by_a_task(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    await quiet_world.poll()
    reads, writes = a.QUIET_POLL_READS_WRITES
    assert usage_meter.take_counts() == (1 + reads, writes)


async def test_cost_of_a_quiet_hourly_reconciliation(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    await quiet_world.poll()
    usage_meter.take_counts()
    await run_reconciliations(quiet_world)
    reads, writes = a.HOURLY_READS_WRITES
    # The query of the window has its one reservation, not an empty result.
    assert usage_meter.take_counts() == (a.LISTED_READS + reads, writes)


async def test_cost_of_a_quiet_nightly_reconciliation(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    quiet_world.clock.advance(86_400)
    await quiet_world.poll()
    await run_reconciliations(quiet_world)  # counts the new day
    quiet_world.clock.advance(3_600)
    await quiet_world.integration_document.update({"reconciliation.lastFullAt": START_TIME})
    await quiet_world.poll()
    usage_meter.take_counts()
    await run_reconciliations(quiet_world)
    reads, writes = a.NIGHTLY_READS_WRITES
    assert usage_meter.take_counts() == (a.LISTED_READS + reads, writes)


async def test_cost_of_a_poll_after_webhooks(
    world: World, usage_meter: FirestoreUsageMeter
) -> None:
    for _ in range(2):
        _, taken = await book_with_guest(world)
        await fetch_guest_after_commit(world.restaurant_context(), taken)
    world.clock.advance(600)
    await world.poll()  # proves the webhooks
    usage_meter.take_counts()
    await world.poll()
    reads, writes = a.CHANGED_POLL_READS_WRITES
    reads += 1 + 2 * (a.UNCHANGED_ROW_READS + a.UNCHANGED_GUEST_READS)
    read, written = usage_meter.take_counts()
    assert read <= reads
    assert written == writes


@pytest.mark.parametrize("rows", [1, 8])
async def test_cost_of_a_compared_reservation(
    quiet_world: World, usage_meter: FirestoreUsageMeter, rows: int
) -> None:
    for _ in range(rows - 1):
        await book(quiet_world)
    await run_reconciliations(quiet_world)
    quiet_world.clock.advance(1_800)
    await quiet_world.poll()
    usage_meter.take_counts()
    await run_reconciliations(quiet_world)
    reads, _ = a.HOURLY_READS_WRITES
    # A query without a result costs one read as well.
    expected = a.LISTED_READS + reads + (rows - 1) * a.COMPARED_ROW_READS
    assert usage_meter.take_counts()[0] == expected


async def test_writes_of_a_reconciliation_after_changes(
    quiet_world: World, usage_meter: FirestoreUsageMeter
) -> None:
    await quiet_world.poll()
    for days in (1, 2):
        await book(quiet_world, days)
    usage_meter.take_counts()
    await run_reconciliations(quiet_world)
    written = usage_meter.take_counts()[1]
    assert a.HOURLY_READS_WRITES[1] < written <= a.CHANGED_HOURLY_WRITES


async def test_calls_of_opentables_api_and_log_lines_of_quiet_runs(
    quiet_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handle, paths_called = quiet_world.sandbox.handle, list[str]()

    def record(request: SandboxRequest) -> SandboxResponse:
        paths_called.append(request.path)
        return handle(request)

    monkeypatch.setattr(quiet_world.sandbox, "handle", record)
    counts = []
    capsys.readouterr()
    for run in (run_polls, run_reconciliations):
        await run(quiet_world)
        calls = [path for path in paths_called if path.startswith("/sync/")]
        counts.append((len(calls), len(capsys.readouterr().out.splitlines())))
        paths_called.clear()
    assert counts == [
        (a.CALLS_PER_POLL, a.LOG_LINES_PER_POLL),
        (a.CALLS_PER_RECONCILIATION, a.LOG_LINES_PER_RECONCILIATION),
    ]


async def test_size_of_a_report(quiet_world: World) -> None:
    report = await quiet_world.reconcile(is_scheduled=True)
    path = f"restaurants/{report['restaurantId']}/reconciliationReports/{report['reportId']}"
    stored = Document.serialize(Document(fields=encode_dict(report)))
    assert len(stored) + len(path) <= a.REPORT_BYTES


def estimate_index_bytes(path: str, document: dict[str, Any]) -> int:
    """Estimate the size of a document's index entries, by Firestore's rules.

    An entry has the name of the document, the indexed fields and 32 bytes. A field has an ascending
    and a descending entry unless an override says otherwise.
    """
    configuration = json.loads((ROOT / "firestore.indexes.json").read_text())
    collection, flat = path.split("/")[-2], flatten_document(document)
    overrides = {
        override["fieldPath"]: len(override["indexes"])
        for override in configuration["fieldOverrides"]
        if override["collectionGroup"] == collection
    }
    size = 0
    for name, value in flat.items():
        parents = [name.rsplit(".", level)[0] for level in range(name.count(".") + 1)]
        entries = next((overrides[each] for each in [*parents, "*"] if each in overrides), 2)
        size += entries * (len(path) + len(name) + len(str(value)) + 32)
    for index in configuration["indexes"]:
        if index["collectionGroup"] == collection:
            fields = [field["fieldPath"] for field in index["fields"]]
            size += len(path) + 32 + sum(len(str(flat.get(field))) for field in fields)
    return size


async def test_size_of_a_reservation_and_a_journal_entry(
    world: World, firestore: FirestoreClient
) -> None:
    for _ in range(3):
        booked, taken = await book_with_guest(world)
        await fetch_guest_after_commit(world.restaurant_context(), taken)
        for size in range(3, 8):
            await ingest_reservation(world, world.actions.change_party_size(booked.key, size))
    plain = replace(world, context=replace(world.context, firestore=firestore))
    stored, indexed = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for path, document in (await plain.all_documents()).items():
        collection = path.split("/")[-2]
        serialized = Document.serialize(Document(fields=encode_dict(document)))
        stored[collection].append(len(serialized) + len(path))
        indexed[collection].append(estimate_index_bytes(path, document))
    assert mean(stored["reservations"]) == pytest.approx(a.RESERVATION_BYTES, rel=0.25)
    assert mean(indexed["reservations"]) == pytest.approx(a.RESERVATION_INDEX_BYTES, rel=0.25)
    assert mean(stored["ledgerEvents"]) == pytest.approx(a.ENTRY_BYTES, rel=0.25)
    assert mean(indexed["ledgerEvents"]) == pytest.approx(a.ENTRY_INDEX_BYTES, rel=0.25)
