"""A reconciliation of one window: corrections, divergences and the report."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from sandbox.background_bookings import populate_store
from sandbox.models import SandboxReservation
from tests.support.events import row_body
from tests.support.firestore import FirestoreSpy
from tests.support.world import START_TIME, HiddenReservations, World, differing_keys

SOON = START_TIME + timedelta(days=2)


async def book_and_poll(world: World) -> SandboxReservation:
    """Book a reservation, and bring it to the ledger."""
    booked = world.actions.create(SOON, 2)
    await world.poll()
    return booked


async def read_document(world: World, booked: SandboxReservation) -> dict[str, Any]:
    """Return the document of a reservation in the ledger."""
    return (await world.ledger_documents())[booked.key.lower()]


async def edit_document(world: World, key: str, **fields: Any) -> None:
    """Change a document without the ledger."""
    await world.reservations_collection.document(f"opentable-{key.lower()}").update(fields)


def list_keys(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["externalId"] for entry in entries]


async def test_a_reservation_missing_in_the_ledger_is_created(world: World) -> None:
    booked = world.actions.create(SOON, 2)
    report = await world.reconcile()
    assert list_keys(report["created"]) == [booked.key.lower()]
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_difference_is_corrected_and_reported_by_field(world: World) -> None:
    booked = await book_and_poll(world)
    world.actions.change_party_size(booked.key, 5)
    report = await world.reconcile()
    (entry,) = report["updated"]
    assert entry["changes"]["partySize"] == {"from": 2, "to": 5}
    assert (entry["previousStatus"], entry["newStatus"]) == ("BOOKED", "BOOKED")


async def test_a_reservation_cancelled_at_opentable_is_cancelled(world: World) -> None:
    booked = await book_and_poll(world)
    world.actions.cancel(booked.key)
    report = await world.reconcile()
    (entry,) = report["cancelled"]
    assert (entry["externalId"], entry["previousStatus"]) == (booked.key.lower(), "BOOKED")
    assert (await read_document(world, booked))["status"] == "CANCELLED"


async def test_a_reservation_moved_into_the_window_is_corrected_not_created(world: World) -> None:
    booked = world.actions.create(START_TIME + timedelta(days=90), 2)
    await world.poll()
    world.actions.reschedule(booked.key, SOON)
    report = await world.reconcile()
    assert (list_keys(report["updated"]), report["created"]) == ([booked.key.lower()], [])


async def test_a_reservation_moved_out_of_the_window_is_requested_by_id_and_corrected(
    world: World,
) -> None:
    booked = await book_and_poll(world)
    world.actions.reschedule(booked.key, START_TIME + timedelta(days=90))
    report = await world.reconcile()
    assert (list_keys(report["updated"]), report["divergences"]) == ([booked.key.lower()], [])


async def store_unknown_reservation(world: World) -> str:
    """Store a reservation unknown to OpenTable and return its key."""
    await world.ingest_row(row_body(5, id="lost", rid=int(world.restaurant.rid)))
    return "lost"


async def test_a_reservation_missing_at_opentable_is_flagged_and_never_cancelled(
    world: World,
) -> None:
    key = await store_unknown_reservation(world)
    report = await world.reconcile()
    document = (await world.ledger_documents())[key]
    assert [entry["type"] for entry in report["divergences"]] == ["MISSING_IN_OPENTABLE"]
    assert report["newDivergences"] == 1
    assert document["status"] == "CONFIRMED"
    assert document["reconciliation"]["reconciliationStatus"] == "DIVERGED"


async def test_a_known_divergence_is_listed_but_neither_new_nor_written(world: World) -> None:
    key = await store_unknown_reservation(world)
    await world.reconcile()
    before = (await world.ledger_documents())[key]
    report = await world.reconcile()
    assert (list_keys(report["divergences"]), report["newDivergences"]) == ([key], 0)
    assert (await world.ledger_documents())[key] == before


async def test_a_flag_ends_when_open_table_shows_the_reservation_again(world: World) -> None:
    booked = await book_and_poll(world)
    with HiddenReservations(world, booked.key):
        await world.reconcile()
    flagged = await read_document(world, booked)
    assert flagged["reconciliation"]["divergenceDetected"]
    await world.reconcile()
    document = await read_document(world, booked)
    assert document["reconciliation"]["reconciliationStatus"] == "RECONCILED"


async def test_an_incomplete_fetch_is_reported_and_corrects_nothing(world: World) -> None:
    stored = await book_and_poll(world)
    world.actions.create(SOON, 3)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    report = await world.reconcile()
    assert (report["status"], report["created"], report["ledgerCount"]) == ("FAILED", [], 1)
    assert "403" in report["reason"]
    assert (await world.ledger_documents()).keys() == {stored.key.lower()}


async def test_a_second_run_writes_its_report_and_nothing_else(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 600)
    await world.reconcile()
    before = await world.all_documents()
    second = await world.reconcile()
    after = await world.all_documents()
    written = {path for path, document in after.items() if before.get(path) != document}
    assert written == {
        f"restaurants/{world.restaurant.id}/integrations/opentable",  # the released lease
        f"restaurants/{world.restaurant.id}/reconciliationReports/{second['reportId']}",
    }


async def test_a_document_edited_by_hand_is_repaired(world: World) -> None:
    booked = await book_and_poll(world)
    await edit_document(world, booked.key, partySize=9)
    report = await world.reconcile()
    (entry,) = report["updated"]
    assert entry["changes"] == {"partySize": {"from": 9, "to": 2}}
    assert (await read_document(world, booked))["partySize"] == 2


async def test_all_kinds_of_fields_of_a_row_are_compared(world: World) -> None:
    booked = world.actions.create(SOON, 2, request="Stroller")
    await world.poll()
    for field in ("specialRequests", "tableNumbers", "visitTags", "origin"):
        await edit_document(world, booked.key, **{f"metadata.{field}": "something else"})
        (entry,) = (await world.reconcile())["updated"]
        assert list(entry["changes"]) == [f"metadata.{field}"]


async def test_an_unreadable_row_is_not_listed_as_missing(world: World) -> None:
    booked = await book_and_poll(world)
    world.actions.change_party_size(booked.key, 0)
    [divergence] = (await world.reconcile())["divergences"]
    assert (divergence["type"], divergence["externalId"]) == ("UNREADABLE", booked.key.lower())


async def test_an_unreadable_row_requested_by_id_is_a_divergence(world: World) -> None:
    booked = await book_and_poll(world)
    world.actions.reschedule(booked.key, SOON + timedelta(days=90))
    world.actions.change_party_size(booked.key, 0)
    [divergence] = (await world.reconcile())["divergences"]
    assert (divergence["type"], divergence["externalId"]) == ("UNREADABLE", booked.key.lower())


async def test_a_reservation_without_a_start_is_requested_by_id(world: World) -> None:
    booked = world.actions.create(SOON, 2)
    await world.ingest_envelope("updated", reservationId=booked.key, partySize=7)
    assert (await read_document(world, booked))["startAt"] is None
    await world.reconcile(start=date(2026, 5, 1), end=date(2026, 5, 2))
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_row_older_than_the_stored_version_is_a_divergence_and_changes_nothing(
    world: World,
) -> None:
    booked = world.actions.create(SOON, 2)
    newer = row_body(50, id=booked.key, rid=int(world.restaurant.rid), party_size=6)
    await world.ingest_row(newer)
    report = await world.reconcile()
    assert [entry["type"] for entry in report["divergences"]] == ["VERSION_BEHIND"]
    assert (await read_document(world, booked))["partySize"] == 6


async def test_a_return_to_a_version_that_is_in_the_journal_is_a_divergence_until_it_ends(
    world: World,
) -> None:
    booked = await book_and_poll(world)
    changed = world.actions.change_party_size(booked.key, 6)
    await world.poll()
    store = world.sandbox.store._data_by_rid[booked.rid]
    store.store_reservation(booked)
    world.clock.advance(900)
    await world.poll()
    first, second = await world.reconcile(), await world.reconcile()
    for report, new_count in ((first, 1), (second, 0)):
        assert [entry["type"] for entry in report["divergences"]] == ["VERSION_BEHIND"]
        assert (report["newDivergences"], report["updated"]) == (new_count, [])
    document = await read_document(world, booked)
    assert (document["partySize"], document["reconciliation"]["divergenceDetected"]) == (6, True)
    store.store_reservation(changed)
    assert (await world.reconcile())["divergences"] == []
    document = await read_document(world, booked)
    assert (document["partySize"], document["reconciliation"]["divergenceDetected"]) == (6, False)


async def test_a_row_with_a_version_conflict_is_flagged_and_quarantined(world: World) -> None:
    booked = await book_and_poll(world)
    world.sandbox.store._data_by_rid[booked.rid].store_reservation(replace(booked, party_size=9))
    first, second = await world.reconcile(), await world.reconcile()
    for report, new_count in ((first, 1), (second, 0)):
        assert [entry["type"] for entry in report["divergences"]] == ["CONFLICTING_VERSION"]
        assert report["newDivergences"] == new_count
    items = world.quarantine_collection.stream()
    assert [item.get("count") async for item in items] == [1]
    assert (await read_document(world, booked))["partySize"] == 2


async def test_a_dry_run_lists_its_plan_and_changes_nothing(world: World) -> None:
    world.actions.create(SOON, 2)
    report = await world.reconcile(is_dry_run=True)
    assert (report["status"], len(report["created"])) == ("DRY_RUN", 1)
    assert await world.ledger_documents() == {}


@pytest.mark.parametrize("age_seconds, missed_count", [(301, 1), (299, 0)])
async def test_a_change_counts_as_missed_once_its_webhook_is_overdue(
    world: World, age_seconds: int, missed_count: int
) -> None:
    booked = await book_and_poll(world)
    world.actions.change_party_size(booked.key, 5)
    world.clock.advance(age_seconds)
    assert (await world.reconcile())["missedWebhooks"] == missed_count


async def test_a_report_too_long_for_one_document_continues_in_others(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 16_000)
    report = await world.reconcile(is_dry_run=True)
    other_parts = (
        world.reports_collection.document(report["reportId"]).collection("continued").stream()
    )
    other_lists = [part.get("created") async for part in other_parts]
    assert report["parts"] == 1 + len(other_lists) > 1
    listed_count = len(report["created"]) + sum(map(len, other_lists))
    assert listed_count == report["counts"]["created"] == report["comparedCount"]


async def test_an_existing_document_is_corrected_and_foreign_fields_are_unchanged(
    world: World,
) -> None:
    booked, other = world.actions.create(SOON, 4), world.actions.create(SOON, 3)
    document = world.reservations_collection.document(f"opentable-{booked.key.lower()}")
    # Written by an application that used the collection before.
    await document.set(
        {
            "status": "confirmed",
            "partySize": "2",
            "statusHistory": [{"status": "confirmed", "timestamp": "2026-03-01T12:00:00Z"}],
            "metadata": {"colour": "blue"},
            "createdAt": datetime(2026, 3, 1, tzinfo=UTC),
        }
    )
    assert (await world.poll())["status"] == "ok"
    documents = await world.ledger_documents()
    assert differing_keys(world.opentable_reservations(), documents) == []
    assert documents[booked.key.lower()]["metadata"]["colour"] == "blue"
    assert other.key.lower() in documents


@pytest.mark.parametrize(
    "is_changed, read_count",
    [(False, 0), (True, 2)],  # once to plan, once to correct
)
async def test_only_differing_reservations_are_read_a_second_time(
    world: World, firestore_spy: FirestoreSpy, read_count: int, *, is_changed: bool
) -> None:
    context = structs.replace(world.context, firestore=firestore_spy.client)
    spied = structs.replace(world, context=context)
    booked = [spied.actions.create(SOON, party_size) for party_size in (2, 3, 4)]
    await spied.poll()
    if is_changed:
        spied.actions.change_party_size(booked[1].key, 8)
    earlier_read_count = len(firestore_spy.read_names)
    report = await spied.reconcile()
    read_names = firestore_spy.read_names[earlier_read_count:]
    assert sum("/reservations/" in name for name in read_names) == read_count
    assert list_keys(report["updated"]) == ([booked[1].key.lower()] if is_changed else [])
