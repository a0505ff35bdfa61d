"""A document that an earlier app left under a reservation's name is taken over, not fallen over."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.background_bookings import populate_store
from shared.firestore import paths
from tests.support.events import row_body
from tests.support.held_plans import VISIT_TIME
from tests.support.world import START_TIME, HiddenReservations, World, differing_keys

SOON = START_TIME + timedelta(days=2)


async def _changed(world: World, key: str, **fields: Any) -> None:
    """Change a document behind the ledger's back."""
    key = key.lower()
    await paths.reservation_document(world.services.firestore, world.restaurant.id, key).update(
        fields
    )


def _ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["externalId"] for entry in entries]


async def test_a_reservation_missing_in_the_ledger_is_created(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    report = await world.reconcile()
    assert _ids(report["created"]) == [booked.key.lower()]
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_difference_is_corrected_and_reported_by_field(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.desk.change_party_size(booked.key, 5)
    report = await world.reconcile()
    (entry,) = report["updated"]
    assert entry["changes"]["partySize"] == {"from": 2, "to": 5}
    assert (entry["previousStatus"], entry["newStatus"]) == ("BOOKED", "BOOKED")


async def test_what_was_cancelled_there_is_cancelled_here(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.desk.cancel(booked.key)
    report = await world.reconcile()
    (entry,) = report["cancelled"]
    assert (entry["externalId"], entry["previousStatus"]) == (booked.key.lower(), "BOOKED")
    assert (await world.ledger_documents())[booked.key.lower()]["status"] == "CANCELLED"


async def test_one_that_moved_into_the_window_is_corrected_not_created(world: World) -> None:
    booked = world.desk.create(START_TIME + timedelta(days=90), 2)
    await world.poll()
    world.desk.reschedule(booked.key, SOON)
    report = await world.reconcile()
    assert (_ids(report["updated"]), report["created"]) == ([booked.key.lower()], [])


async def test_a_reservation_moved_out_of_the_window_is_requested_by_id_and_corrected(
    world: World,
) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.desk.reschedule(booked.key, START_TIME + timedelta(days=90))
    report = await world.reconcile()
    assert (_ids(report["updated"]), report["divergences"]) == ([booked.key.lower()], [])


async def _lost_at_open_table(world: World) -> str:
    """Hold a reservation that OpenTable's book does not know."""
    lost = row_body(5, id=f"{world.restaurant.rid}-lost", rid=int(world.restaurant.rid))
    await world.ingest_row(lost)
    return "lost"


async def test_a_reservation_missing_at_opentable_is_flagged_and_never_cancelled(
    world: World,
) -> None:
    key = await _lost_at_open_table(world)
    report = await world.reconcile()
    document = (await world.ledger_documents())[key]
    assert [entry["type"] for entry in report["divergences"]] == ["MISSING_IN_OPENTABLE"]
    assert report["newDivergences"] == 1
    assert document["status"] == "CONFIRMED"
    assert document["reconciliation"]["reconciliationStatus"] == "DIVERGED"


async def test_a_standing_divergence_is_listed_again_but_neither_new_nor_written(
    world: World,
) -> None:
    key = await _lost_at_open_table(world)
    await world.reconcile()
    before = (await world.ledger_documents())[key]
    report = await world.reconcile()
    assert (_ids(report["divergences"]), report["newDivergences"]) == ([key], 0)
    assert (await world.ledger_documents())[key] == before


async def test_a_flag_ends_when_open_table_shows_the_reservation_again(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    with HiddenReservations(world, booked.key):
        await world.reconcile()
    assert (await world.ledger_documents())[booked.key.lower()]["reconciliation"][
        "divergenceDetected"
    ]
    await world.reconcile()
    reconciliation = (await world.ledger_documents())[booked.key.lower()]["reconciliation"]
    assert reconciliation["reconciliationStatus"] == "RECONCILED"


async def test_an_incomplete_fetch_is_reported_and_corrects_nothing(world: World) -> None:
    world.desk.create(SOON, 2)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    report = await world.reconcile()
    assert (report["status"], report["created"]) == ("FAILED", [])
    assert "403" in report["reason"]
    assert await world.ledger_documents() == {}


async def test_a_report_of_an_incomplete_fetch_counts_stored_reservations(world: World) -> None:
    world.desk.create(SOON, 2)
    await world.poll()
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    report = await world.reconcile()
    assert (report["status"], report["ledgerCount"]) == ("FAILED", 1)


async def test_a_report_is_stored_also_when_nothing_differed(world: World) -> None:
    world.desk.create(SOON, 2)
    await world.poll()
    report = await world.reconcile()
    assert (report["status"], report["comparedCount"], report["unchangedCount"]) == (
        "COMPLETED",
        1,
        1,
    )


async def test_a_second_run_writes_its_report_and_nothing_else(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 600)
    await world.reconcile()
    before = await world.all_documents()
    second = await world.reconcile()
    after = await world.all_documents()
    written = {path for path, document in after.items() if before.get(path) != document}
    assert written == {
        f"restaurants/{world.restaurant.id}/integrations/opentable",  # its lease, given back
        f"restaurants/{world.restaurant.id}/reconciliationReports/{second['reportId']}",
    }


async def test_a_document_that_someone_changed_by_hand_is_repaired(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    await _changed(world, booked.key, partySize=9)
    report = await world.reconcile()
    (entry,) = report["updated"]
    assert entry["changes"] == {"partySize": {"from": 9, "to": 2}}
    assert (await world.ledger_documents())[booked.key.lower()]["partySize"] == 2


async def test_every_field_of_the_feed_is_compared(world: World) -> None:
    booked = world.desk.create(SOON, 2, request="Stroller")
    await world.poll()
    for field in ("specialRequests", "tableNumbers", "visitTags", "origin"):
        await _changed(world, booked.key, **{f"metadata.{field}": "something else"})
        (entry,) = (await world.reconcile())["updated"]
        assert list(entry["changes"]) == [f"metadata.{field}"]


async def test_an_unreadable_row_is_never_called_missing(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.sandbox.store.update_reservation(
        booked.rid, booked.key, lambda row: replace(row, party_size=0)
    )
    report = await world.reconcile()
    assert [entry["type"] for entry in report["divergences"]] == ["UNREADABLE"]
    assert _ids(report["divergences"]) == [booked.key.lower()]


async def test_a_reservation_without_a_start_is_requested_by_id(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.ingest_envelope("updated", reservationId=booked.key, partySize=7)
    assert (await world.ledger_documents())[booked.key.lower()]["startAt"] is None
    await world.reconcile(start=date(2026, 5, 1), end=date(2026, 5, 2))
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_row_older_than_the_stored_version_is_a_divergence_and_changes_nothing(
    world: World,
) -> None:
    booked = world.desk.create(SOON, 2)
    ahead = row_body(50, id=booked.key, rid=int(world.restaurant.rid), party_size=6)
    await world.ingest_row(ahead)
    report = await world.reconcile()
    assert [entry["type"] for entry in report["divergences"]] == ["VERSION_BEHIND"]
    assert (await world.ledger_documents())[booked.key.lower()]["partySize"] == 6


async def test_a_row_with_a_version_conflict_is_flagged_and_quarantined(
    world: World,
) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.sandbox.store._data_by_rid[booked.rid].store_reservation(replace(booked, party_size=9))
    first, second = await world.reconcile(), await world.reconcile()
    found = [
        (entry["type"], report["newDivergences"])
        for report in (first, second)
        for entry in report["divergences"]
    ]
    items = paths.quarantine_collection(world.services.firestore, world.restaurant.id).stream()
    assert found == [("CONFLICTING_VERSION", 1), ("CONFLICTING_VERSION", 0)]
    assert [item.get("count") async for item in items] == [1]
    assert (await world.ledger_documents())[booked.key.lower()]["partySize"] == 2


async def test_a_dry_run_lists_what_it_would_do_and_does_nothing(world: World) -> None:
    world.desk.create(SOON, 2)
    report = await world.reconcile(is_dry_run=True)
    assert (report["status"], len(report["created"])) == ("DRY_RUN", 1)
    assert await world.ledger_documents() == {}


async def test_a_response_missing_a_third_of_the_ledger_is_held(world: World) -> None:
    booked = [world.desk.create(SOON, 2) for _ in range(70)]
    await world.poll()
    with HiddenReservations(world, *(reservation.key for reservation in booked[:22])):
        asked = world.sandbox.request_counts["reservation"]
        report = await world.reconcile()
    assert (report["status"], report["divergences"]) == ("HELD", [])
    assert world.sandbox.request_counts["reservation"] == asked
    assert "lacks 22 of 70" in report["reason"]


async def test_cancellations_of_a_third_of_the_ledger_are_held(world: World) -> None:
    booked = [world.desk.create(SOON, 2) for _ in range(70)]
    await world.poll()
    for reservation in booked[:22]:
        world.desk.cancel(reservation.key)
    report = await world.reconcile()
    statuses = {document["status"] for document in (await world.ledger_documents()).values()}
    assert (report["status"], len(report["cancelled"]), statuses) == ("HELD", 22, {"BOOKED"})


async def test_a_first_run_is_never_held(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 400)
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert len(report["created"]) > 20


async def test_a_run_after_a_months_pause_is_not_held(world: World) -> None:
    booked = [world.desk.create(START_TIME + timedelta(days=35), 2) for _ in range(60)]
    await world.poll()
    world.clock.advance(timedelta(days=30).total_seconds())
    for reservation in booked:
        world.desk.change_party_size(reservation.key, 3)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", 60)


async def test_webhooks_that_never_came_are_counted(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.desk.change_party_size(booked.key, 5)
    world.clock.advance(301)
    assert (await world.reconcile())["missedWebhooks"] == 1


async def test_a_change_that_its_webhook_may_still_bring_is_not_counted(world: World) -> None:
    booked = world.desk.create(SOON, 2)
    await world.poll()
    world.desk.change_party_size(booked.key, 5)
    world.clock.advance(299)
    assert (await world.reconcile())["missedWebhooks"] == 0


async def test_a_report_too_long_for_one_document_continues_beneath_it(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 16_000)
    report = await world.reconcile(is_dry_run=True)
    continued = [
        part.to_dict()["created"]
        async for part in paths.reports_collection(world.services.firestore, world.restaurant.id)
        .document(report["reportId"])
        .collection("continued")
        .stream()
    ]
    listed = len(report["created"]) + sum(map(len, continued))
    assert report["parts"] == 1 + len(continued) > 1
    assert listed == report["counts"]["created"] == report["comparedCount"]


EARLIER = {
    "status": "confirmed",
    "partySize": "2",
    "statusHistory": [{"status": "confirmed", "timestamp": "2026-03-01T12:00:00Z"}],
    "metadata": {"colour": "blue"},
    "createdAt": datetime(2026, 3, 1, tzinfo=UTC),
}


async def test_an_existing_document_is_corrected_and_foreign_fields_are_unchanged(
    world: World,
) -> None:
    booked, other = world.desk.create(VISIT_TIME, 4), world.desk.create(VISIT_TIME, 3)
    document = paths.reservation_document(
        world.services.firestore, world.restaurant.id, booked.key.lower()
    )
    await document.set(EARLIER)
    assert (await world.poll())["status"] == "ok"
    ledger = await world.ledger_documents()
    assert differing_keys(world.opentable_reservations(), ledger) == []
    assert ledger[booked.key.lower()]["metadata"]["colour"] == "blue"
    assert other.key.lower() in ledger
