"""A document damaged by hand is reported and left alone; everything else goes on."""

import math
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD, GeoPoint

from shared.firestore import paths
from tests.support.damage import LAST_INSTANT
from tests.support.events import row_body
from tests.support.held_plans import execute_plan, hold_plan_with_updates
from tests.support.world import START_TIME, World

SOON = START_TIME + timedelta(days=2)
ODD_VALUES: list[Any] = [5, "x", True, [], [1], {"a": 1}, None]
DAMAGED_FIELDS = [
    pytest.param({"source.externalReservationId": DELETE_FIELD}, id="no key"),
    pytest.param({"source.externalReservationId": 5}, id="key is a number"),
    pytest.param({"source.externalReservationId": None}, id="key is null"),
    pytest.param({"source.externalReservationId": "another"}, id="key of another"),
    pytest.param({"sync": "x"}, id="sync is text"),
    pytest.param({"sync": 5}, id="sync is a number"),
    pytest.param({"sync": [1]}, id="sync is a list"),
    pytest.param({"sync.opentable": "x"}, id="registers are text"),
    pytest.param({"sync.opentable": {"version": 5}}, id="registers without values"),
    pytest.param({"sync.opentable.version": None}, id="no version"),
    pytest.param({"sync.opentable.version.at": "yesterday"}, id="time of the version is text"),
    pytest.param({"sync.opentable.version.sequenceId": "7"}, id="sequence is text"),
    pytest.param({"sync.opentable.values": [1]}, id="values are a list"),
    pytest.param({"sync.guest": {"path": 5}}, id="linked guest without a path"),
    pytest.param({"sync.guest": {"path": [], "forgotten": True}}, id="linked guest, empty path"),
    pytest.param({"sync.opentable.values.guestKey": "a/b"}, id="impossible guest key"),
    pytest.param({"sync.opentable.values.startAt": LAST_INSTANT}, id="start at the end"),
    pytest.param({"sync.opentable.version.at": LAST_INSTANT}, id="version at the end"),
    pytest.param({"sync.opentable.values.partySize": math.inf}, id="infinite size"),
    pytest.param({"guests.referencedKeys": ["a/b"]}, id="impossible reference"),
    pytest.param({"statusHistory": 5}, id="history is a number"),
    pytest.param({"statusHistory": {"0": "BOOKED"}}, id="history is a map"),
    pytest.param({"statusHistory": DELETE_FIELD}, id="no history"),
    pytest.param({"guests.referencedKeys": 5}, id="references are a number"),
    pytest.param({"guests.referencedKeys": [5]}, id="references are numbers"),
    pytest.param({"guests.referencedKeys": {"a": 1}}, id="references are a map"),
    pytest.param({"guests.resolvedGuestKeys": {"a": 1}}, id="resolved guests are a map"),
]


async def edit(world: World, document_id: str, fields: dict[str, Any]) -> None:
    """Change a document without the ledger."""
    await world.reservations_collection.document(document_id).update(fields)


async def read_reservation_document(world: World, document_id: str) -> dict[str, Any]:
    return (await world.reservations_collection.document(document_id).get()).to_dict() or {}


async def book_and_damage(world: World, fields: dict[str, Any]) -> tuple[str, str]:
    """Return the document id of a damaged reservation, and the key of one to correct."""
    damaged, other = world.actions.create(SOON, 2), world.actions.create(SOON, 4)
    await world.poll()
    document_id = f"opentable-{damaged.key.lower()}"
    await edit(world, document_id, fields)
    world.actions.change_party_size(damaged.key, 3)
    world.actions.change_party_size(other.key, 7)
    return document_id, other.key.lower()


async def party_size(world: World, key: str) -> int:
    return int((await read_reservation_document(world, f"opentable-{key}"))["partySize"])


@pytest.mark.parametrize("fields", DAMAGED_FIELDS)
async def test_a_damaged_document_is_reported_and_left_alone(
    world: World, fields: dict[str, Any]
) -> None:
    document_id, other = await book_and_damage(world, fields)
    before = await read_reservation_document(world, document_id)
    report = await world.reconcile()
    assert (report["status"], report["newDivergences"]) == ("COMPLETED", 1)
    [divergence] = report["divergences"]
    assert (divergence["type"], divergence["reservationId"]) == ("UNREADABLE", document_id)
    assert "Correct or delete it" in divergence["reason"]
    assert await read_reservation_document(world, document_id) == before
    assert await party_size(world, other) == 7


async def test_standing_damage_is_listed_but_not_new(world: World) -> None:
    document_id, _ = await book_and_damage(world, {"sync": "x"})
    await world.reconcile()
    report = await world.reconcile()
    assert (len(report["divergences"]), report["newDivergences"]) == (1, 0)
    await edit(world, document_id, {"sync": {}})
    assert (await world.reconcile())["divergences"] == []


async def test_a_foreign_document_that_claims_to_be_opentables_is_reported(world: World) -> None:
    foreign = {"source": {"system": "OPENTABLE"}, "localDate": "2026-03-16", "startAt": None}
    await world.reservations_collection.document("by-hand").set(foreign)
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert [
        (entry["type"], entry["externalId"], entry["reservationId"])
        for entry in report["divergences"]
    ] == [("UNREADABLE", None, "by-hand")]
    assert await read_reservation_document(world, "by-hand") == foreign


@pytest.mark.parametrize("fields", [{"sync": "x"}, {"sync.opentable": {"version": 5}}])
async def test_a_poll_quarantines_the_row_of_a_damaged_document_and_completes(
    world: World, fields: dict[str, Any]
) -> None:
    document_id, other = await book_and_damage(world, fields)
    before = await read_reservation_document(world, document_id)
    world.clock.advance(900)
    polled = await world.poll()
    assert (polled["status"], polled["quarantined"]) == ("ok", 1)
    assert await read_reservation_document(world, document_id) == before
    assert await party_size(world, other) == 7


async def test_a_webhook_about_a_damaged_document_is_quarantined(world: World) -> None:
    await world.ingest_envelope("created", reservationId="r1", partySize=2)
    await edit(world, "opentable-r1", {"sync.relay": "x"})
    world.clock.advance(60)
    result = await world.ingest_envelope("updated", reservationId="r1", partySize=3)
    assert getattr(result, "reason", None) == "unreadable_document"


async def test_a_damaged_journal_entry_is_contained(world: World) -> None:
    booked = world.actions.create(SOON, 2)
    await world.poll()
    reservation = paths.reservation_document(
        world.context.firestore, world.restaurant.id, booked.key.lower()
    )
    async for entry in paths.journal_collection(reservation).stream():
        await entry.reference.update({"fields": 5, "version": "x", "attempt": None})
    world.actions.change_party_size(booked.key, 6)
    world.clock.advance(900)
    assert (await world.poll())["status"] == "ok"
    assert (await world.reconcile())["status"] == "COMPLETED"


async def test_a_plan_with_a_damaged_document_is_executed_for_the_rest(world: World) -> None:
    reservations, held = await hold_plan_with_updates(world)
    document_id = f"opentable-{reservations[0].key.lower()}"
    await edit(world, document_id, {"sync": "x"})
    report = await execute_plan(world, held)
    assert (report["status"], len(report["updated"])) == ("COMPLETED", len(reservations) - 1)
    assert [entry["reservationId"] for entry in report["divergences"]] == [document_id]


async def test_damaged_items_of_a_held_plan_are_left_out(world: World) -> None:
    reservations, held = await hold_plan_with_updates(world)
    report = world.reports_collection.document(held)
    updated = ((await report.get()).to_dict() or {})["updated"]
    damaged = ["x", {"externalId": 5, "precondition": {}}, {**updated[2], "externalId": "a/b"}]
    await report.update({"updated": [*damaged, *updated[3:]]})
    executed = await execute_plan(world, held)
    assert (executed["status"], len(executed["updated"])) == ("COMPLETED", len(reservations) - 3)


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "path",
    [
        "poll",
        "poll.cursor",
        "poll.lease",
        "poll.lease.expiresAt",
        "poll.consecutiveFailures",
        "poll.missedRuns",
        "poll.missedSince",
        "reconciliation",
        "reconciliation.lease",
        "reconciliation.timeZone",
        "reconciliation.unreadableDocuments",
        "backfill",
        "backfill.status",
        "guestFailures",
        "guestFailures.retryAt",
        "lastPolledAt",
    ],
)
async def test_a_damaged_run_state_stops_neither_poll_nor_reconciliation(
    world: World, path: str, value: Any
) -> None:
    booked = world.actions.create(SOON, 2)
    integration = world.integration_document
    await integration.update({path: value})
    assert (await world.poll())["status"] == "ok"
    await integration.update({path: value})
    assert (await world.reconcile())["status"] == "COMPLETED"
    assert booked.key.lower() in await world.ledger_documents()


@pytest.mark.parametrize("value", [GeoPoint(1, 2), b"x", math.nan, {"a": 1}, "x" * 300_000])
async def test_a_field_edited_by_hand_is_corrected_and_the_report_is_stored(
    world: World, value: Any
) -> None:
    booked = world.actions.create(SOON, 2)
    await world.poll()
    document_id = f"opentable-{booked.key.lower()}"
    for edited in (value, world.integration_document):  # a reference, too
        await edit(world, document_id, {"partySize": edited})
        report = await world.reconcile()
        assert (report["status"], len(report["updated"])) == ("COMPLETED", 1)
        assert (await read_reservation_document(world, document_id))["partySize"] == 2


async def test_a_guest_with_an_impossible_id_stops_no_run(world: World) -> None:
    booked = world.actions.create(SOON, 2, guest_key="65aa01bb02cc03dd04ee05ff")
    row = row_body(1, rid=int(world.restaurant.rid), id=booked.key, guest_id=booked.guest_key)
    await world.ingest_row(row)
    document_id = f"opentable-{booked.key.lower()}"
    await edit(world, document_id, {"sync.opentable.values.guestId": "a b/c"})
    assert (await world.poll())["status"] == "ok"
    assert (await world.reconcile())["status"] == "COMPLETED"
