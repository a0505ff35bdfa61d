"""A held plan is carried out item by item, against what both sides hold by now.

What cannot be forced, and why.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.fault_injection import FailureKind
from sandbox.guest_actions import GuestActions
from shared.errors import PlanNotExecutableError
from shared.firestore import paths
from shared.reconciliation import report_store
from shared.reconciliation.forced_plan import force_held_report
from tests.support.events import row_body
from tests.support.held_plans import (
    RESERVATION_COUNT,
    VISIT_TIME,
    execute_plan,
    external_keys,
    hold_plan_with_missing,
    hold_plan_with_updates,
    read_report,
)
from tests.support.world import START_TIME, HiddenReservations, World, differing_keys


async def test_a_held_plan_lists_reservations_missing_in_the_response(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    report = await read_report(world, held)
    assert external_keys(report["missing"]) == {reservation.key.lower() for reservation in booked}
    assert report["counts"]["missing"] == RESERVATION_COUNT


async def test_a_forced_plan_is_carried_out(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    assert (report["status"], report["heldReportId"]) == ("COMPLETED", held)
    assert (len(report["updated"]), report["skipped"]) == (RESERVATION_COUNT, [])
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_what_a_held_plan_would_create_is_created(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    late = world.desk.create(VISIT_TIME, 3)
    again = await world.reconcile()
    assert again["status"] == "HELD"
    report = await execute_plan(world, again["reportId"])
    assert external_keys(report["created"]) == {late.key.lower()}
    assert held != again["reportId"]


async def test_a_reservation_created_by_a_forced_plan_shows_its_diner(world: World) -> None:
    booked, _ = await hold_plan_with_updates(world)
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    late = world.desk.create(VISIT_TIME, 3, guest_key=guests.add("Ada", "Lovelace").key)
    held = (await world.reconcile())["reportId"]
    assert (await execute_plan(world, held))["status"] == "COMPLETED"
    ledger = await world.ledger_documents()
    assert ledger[late.key.lower()]["dinerName"] == "Ada Lovelace"
    assert len(ledger) == len(booked) + 1


async def test_what_was_cancelled_there_is_cancelled_here_by_force(world: World) -> None:
    booked = [world.desk.create(VISIT_TIME, 2) for _ in range(RESERVATION_COUNT)]
    await world.poll()
    for reservation in booked:
        world.desk.cancel(reservation.key)
    report = await execute_plan(world, (await world.reconcile())["reportId"])
    assert len(report["cancelled"]) == RESERVATION_COUNT
    assert {document["status"] for document in (await world.ledger_documents()).values()} == {
        "CANCELLED"
    }


async def test_a_held_report_names_the_report_that_executed_it(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    marked = await read_report(world, held)
    assert (marked["status"], marked["executedBy"]) == ("HELD", report["reportId"])
    assert marked["executedAt"] == START_TIME


async def test_an_item_that_open_table_moved_since_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    world.desk.change_party_size(booked[0].key, 8)
    report = await execute_plan(world, held)
    [skipped] = report["skipped"]
    assert skipped["externalId"] == booked[0].key.lower()
    assert skipped["reason"].startswith("OpenTable has changed")
    assert (await world.ledger_documents())[booked[0].key.lower()]["partySize"] == 2


async def test_an_item_that_the_ledger_moved_since_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    await world.ingest_envelope("updated", reservationId=booked[0].key, specialRequests="Quiet")
    report = await execute_plan(world, held)
    [skipped] = report["skipped"]
    assert skipped["externalId"] == booked[0].key.lower()
    assert skipped["reason"].startswith("The ledger has changed")
    assert report["counts"]["skipped"] == 1


async def test_no_request_is_made_for_items_changed_in_the_ledger(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    await world.ingest_envelope("updated", reservationId=booked[0].key, specialRequests="Quiet")
    asked = world.sandbox.request_counts["reservation"]
    await execute_plan(world, held)
    assert world.sandbox.request_counts["reservation"] - asked == RESERVATION_COUNT - 1


async def test_an_item_that_open_table_no_longer_has_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    with HiddenReservations(world, booked[0].key):
        report = await execute_plan(world, held)
    [skipped] = report["skipped"]
    assert skipped["reason"].startswith("OpenTable no longer has this reservation")
    assert report["divergences"] == []


async def test_an_item_that_cannot_be_read_any_more_is_listed_as_such(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    odd = booked[0]
    world.sandbox.store.update_reservation(odd.rid, odd.key, lambda row: replace(row, party_size=0))
    report = await execute_plan(world, held)
    assert [entry["type"] for entry in report["divergences"]] == ["UNREADABLE"]
    assert external_keys(report["divergences"]) == {odd.key.lower()}


async def test_a_missing_row_that_open_table_has_by_its_id_is_no_divergence(world: World) -> None:
    _, held = await hold_plan_with_missing(world)
    report = await execute_plan(world, held)
    assert (report["divergences"], report["skipped"]) == ([], [])


async def test_a_missing_row_that_moved_out_of_the_window_is_corrected(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    world.desk.reschedule(booked[0].key, START_TIME + timedelta(days=90))
    report = await execute_plan(world, held)
    assert external_keys(report["updated"]) == {booked[0].key.lower()}


async def test_a_missing_row_that_open_table_does_not_have_is_flagged_never_cancelled(
    world: World,
) -> None:
    booked, held = await hold_plan_with_missing(world)
    with HiddenReservations(world, *(reservation.key for reservation in booked)):
        report = await execute_plan(world, held)
    assert {entry["type"] for entry in report["divergences"]} == {"MISSING_IN_OPENTABLE"}
    documents = (await world.ledger_documents()).values()
    assert {document["status"] for document in documents} == {"BOOKED"}
    assert {document["reconciliation"]["reconciliationStatus"] for document in documents} == {
        "DIVERGED"
    }


async def test_the_run_after_a_forced_plan_is_an_ordinary_one(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    with HiddenReservations(world, *(reservation.key for reservation in booked)):
        await execute_plan(world, held)
        report = await world.reconcile()
    assert (report["status"], report["newDivergences"]) == ("COMPLETED", 0)


async def test_documents_that_someone_changed_by_hand_are_repaired_by_force(
    world: World,
) -> None:
    for _ in range(RESERVATION_COUNT):
        world.desk.create(VISIT_TIME, 2)
    await world.poll()
    reservations = paths.reservations_collection(world.services.firestore, world.restaurant.id)
    async for document in reservations.list_documents():
        await document.update({"partySize": 9})
    held = await world.reconcile()
    report = await execute_plan(world, held["reportId"])
    assert (held["status"], len(report["updated"])) == ("HELD", RESERVATION_COUNT)
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_plan_that_failed_on_its_way_may_be_forced_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_store, "MAX_ITEMS_PER_BATCH", 8)
    _, held = await hold_plan_with_updates(world)
    last = (await read_report(world, held))["updated"][-1]["basis"]["openTableId"]
    world.sandbox.faults.script_failure(
        FailureKind.STATUS, path=f"/sync/v2/reservations/{last}", status=403
    )
    first, second = await execute_plan(world, held), await execute_plan(world, held)
    assert (first["status"], second["status"]) == ("FAILED", "COMPLETED")
    assert first["reason"].endswith("force the held plan again for the rest.")
    assert len(first["updated"]) + len(second["updated"]) == RESERVATION_COUNT
    assert external_keys(first["updated"]) == external_keys(second["skipped"])


async def test_a_plan_in_several_documents_is_carried_out_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_store, "MAX_PART_BYTES", 2_000)
    _, held = await hold_plan_with_updates(world)
    assert (await read_report(world, held))["parts"] > 2
    answer = await force_held_report(world.services, world.restaurant.id, held, 30)
    assert answer["updated"] == RESERVATION_COUNT
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_missing_row_updated_by_a_webhook_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    ahead = row_body(50, id=booked[0].key, rid=int(world.restaurant.rid), party_size=6)
    await world.ingest_row(ahead)
    report = await execute_plan(world, held)
    assert external_keys(report["skipped"]) == {booked[0].key.lower()}


async def refusal(world: World, report_id: str) -> str:
    with pytest.raises(PlanNotExecutableError) as caught:
        await execute_plan(world, report_id)
    return caught.value.code


async def test_a_plan_is_forced_once(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    await execute_plan(world, held)
    assert await refusal(world, held) == "PLAN_ALREADY_EXECUTED"


async def test_only_a_held_plan_is_forced(world: World) -> None:
    completed = (await world.reconcile())["reportId"]
    assert await refusal(world, completed) == "NOT_HELD"


async def test_the_report_of_a_forced_plan_is_not_forced(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    assert await refusal(world, report["reportId"]) == "NOT_HELD"


async def test_an_unknown_plan_is_not_forced(world: World) -> None:
    assert await refusal(world, "none") == "REPORT_NOT_FOUND"


async def test_no_plan_is_executed_during_a_reconciliation(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    async with world.acquire_lease("reconciliation") as lease:
        assert lease is not None
        assert await refusal(world, held) == "RUN_IN_PROGRESS"


async def test_a_refusal_gives_the_lease_back(world: World) -> None:
    await refusal(world, "none")
    assert (await world.reconcile())["status"] == "COMPLETED"
