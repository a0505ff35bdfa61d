"""Forcing the plan of a held report: each item is checked against both sides again."""

from datetime import timedelta

import pytest

from sandbox.actions import GuestActions
from shared.domain.reconciliation.held_plan import (
    LEDGER_CHANGED_REASON,
    NOT_AT_OPENTABLE_REASON,
    OPENTABLE_CHANGED_REASON,
)
from shared.errors import PlanNotExecutableError
from shared.reconciliation import report_store
from shared.reconciliation.plan_execution import execute_held_plan
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
from tests.support.world import (
    START_TIME,
    HiddenReservations,
    RejectedCredential,
    World,
    differing_keys,
)


async def is_ledger_equal(world: World) -> bool:
    return differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


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
    assert await is_ledger_equal(world)


async def test_planned_creations_are_made_with_their_guests(world: World) -> None:
    booked, first_held = await hold_plan_with_updates(world)
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    new = world.actions.create(VISIT_TIME, 3, guest_key=guests.add("Ada", "Lovelace").key)
    second = await world.reconcile()
    assert (second["status"], second["reportId"] != first_held) == ("HELD", True)
    report = await execute_plan(world, second["reportId"])
    assert (report["status"], external_keys(report["created"])) == ("COMPLETED", {new.key.lower()})
    documents = await world.ledger_documents()
    assert documents[new.key.lower()]["dinerName"] == "Ada Lovelace"
    assert len(documents) == len(booked) + 1


async def test_planned_cancellations_are_made(world: World) -> None:
    booked = [world.actions.create(VISIT_TIME, 2) for _ in range(RESERVATION_COUNT)]
    await world.poll()
    for reservation in booked:
        world.actions.cancel(reservation.key)
    report = await execute_plan(world, (await world.reconcile())["reportId"])
    assert len(report["cancelled"]) == RESERVATION_COUNT
    documents = await world.ledger_documents()
    assert {document["status"] for document in documents.values()} == {"CANCELLED"}


async def test_planned_repairs_of_edited_documents_are_made(world: World) -> None:
    for _ in range(RESERVATION_COUNT):
        world.actions.create(VISIT_TIME, 2)
    await world.poll()
    async for document in world.reservations_collection.list_documents():
        await document.update({"partySize": 9})
    held = await world.reconcile()
    report = await execute_plan(world, held["reportId"])
    assert (held["status"], len(report["updated"])) == ("HELD", RESERVATION_COUNT)
    assert await is_ledger_equal(world)


async def test_a_held_report_names_the_report_that_executed_it(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    executed = await read_report(world, held)
    assert (executed["status"], executed["executedBy"]) == ("HELD", report["reportId"])
    assert executed["executedAt"] == START_TIME


async def test_an_item_changed_at_opentable_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    key = booked[0].key
    world.actions.change_party_size(key, 8)
    [skipped] = (await execute_plan(world, held))["skipped"]
    assert (skipped["externalId"], skipped["reason"]) == (key.lower(), OPENTABLE_CHANGED_REASON)
    assert (await world.ledger_documents())[key.lower()]["partySize"] == 2


async def test_an_item_changed_in_the_ledger_is_skipped_without_a_request(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    key = booked[0].key
    await world.ingest_envelope("updated", reservationId=key, specialRequests="Quiet")
    request_count = world.sandbox.request_counts["reservation"]
    report = await execute_plan(world, held)
    [skipped] = report["skipped"]
    assert (skipped["externalId"], skipped["reason"]) == (key.lower(), LEDGER_CHANGED_REASON)
    assert report["counts"]["skipped"] == 1
    requests_made = world.sandbox.request_counts["reservation"] - request_count
    assert requests_made == RESERVATION_COUNT - 1


async def test_an_item_that_opentable_no_longer_has_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    with HiddenReservations(world, booked[0].key):
        report = await execute_plan(world, held)
    [skipped] = report["skipped"]
    assert skipped["reason"] == NOT_AT_OPENTABLE_REASON
    assert report["divergences"] == []


async def test_an_item_in_an_unreadable_row_is_listed_as_a_divergence(world: World) -> None:
    booked, held = await hold_plan_with_updates(world)
    key = booked[0].key
    world.actions.change_party_size(key, 0)
    [divergence] = (await execute_plan(world, held))["divergences"]
    assert (divergence["type"], divergence["externalId"]) == ("UNREADABLE", key.lower())


async def test_a_missing_reservation_found_by_id_is_no_divergence(world: World) -> None:
    _, held = await hold_plan_with_missing(world)
    report = await execute_plan(world, held)
    assert (report["divergences"], report["skipped"]) == ([], [])


async def test_a_missing_reservation_moved_out_of_the_window_is_corrected(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    world.actions.reschedule(booked[0].key, START_TIME + timedelta(days=90))
    report = await execute_plan(world, held)
    assert external_keys(report["updated"]) == {booked[0].key.lower()}


async def test_a_missing_reservation_updated_by_a_webhook_is_skipped(world: World) -> None:
    booked, held = await hold_plan_with_missing(world)
    row = row_body(50, id=booked[0].key, rid=int(world.restaurant.rid), party_size=6)
    await world.ingest_row(row)
    report = await execute_plan(world, held)
    assert external_keys(report["skipped"]) == {booked[0].key.lower()}


async def test_reservations_missing_at_opentable_are_flagged_once_and_never_cancelled(
    world: World,
) -> None:
    booked, held = await hold_plan_with_missing(world)
    with HiddenReservations(world, *(reservation.key for reservation in booked)):
        report = await execute_plan(world, held)
        next_report = await world.reconcile()
    assert {entry["type"] for entry in report["divergences"]} == {"MISSING_IN_OPENTABLE"}
    for document in (await world.ledger_documents()).values():
        assert document["status"] == "BOOKED"
        assert document["reconciliation"]["reconciliationStatus"] == "DIVERGED"
    assert (next_report["status"], next_report["newDivergences"]) == ("COMPLETED", 0)


async def test_a_plan_that_failed_on_its_way_may_be_forced_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_store, "MAX_ITEMS_PER_BATCH", 8)
    _, held = await hold_plan_with_updates(world)
    last_id = (await read_report(world, held))["updated"][-1]["precondition"]["openTableId"]
    with RejectedCredential(world, f"/sync/v2/reservations/{last_id}"):
        first = await execute_plan(world, held)
    second = await execute_plan(world, held)
    assert (first["status"], second["status"]) == ("FAILED", "COMPLETED")
    assert first["reason"].endswith("force the held plan again for the rest.")
    assert len(first["updated"]) + len(second["updated"]) == RESERVATION_COUNT
    assert external_keys(first["updated"]) == external_keys(second["skipped"])


async def test_a_plan_in_several_documents_is_executed_completely(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_store, "MAX_PART_BYTES", 2_000)
    _, held = await hold_plan_with_updates(world)
    assert (await read_report(world, held))["parts"] > 2
    summary = await execute_held_plan(world.context, world.restaurant.id, held, 30)
    assert summary["updated"] == RESERVATION_COUNT
    assert await is_ledger_equal(world)


async def force_error_code(world: World, report_id: str) -> str:
    with pytest.raises(PlanNotExecutableError) as error:
        await execute_plan(world, report_id)
    return error.value.code


async def test_a_plan_is_forced_once_and_its_own_report_not_at_all(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    report = await execute_plan(world, held)
    assert await force_error_code(world, held) == "PLAN_ALREADY_EXECUTED"
    assert await force_error_code(world, report["reportId"]) == "NOT_HELD"


async def test_an_unknown_report_is_refused_and_the_lease_released(world: World) -> None:
    assert await force_error_code(world, "none") == "REPORT_NOT_FOUND"
    assert (await world.reconcile())["status"] == "COMPLETED"


async def test_no_plan_is_executed_during_a_reconciliation(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    async with world.acquire_lease("reconciliation") as lease:
        assert lease is not None
        assert await force_error_code(world, held) == "RUN_IN_PROGRESS"


@pytest.mark.parametrize("parts", [0, -5, "1", None])
async def test_a_plan_with_a_damaged_number_of_parts_is_not_marked_as_executed(
    world: World, parts: object
) -> None:
    _, held = await hold_plan_with_updates(world)
    await world.reports_collection.document(held).update({"parts": parts})
    assert await force_error_code(world, held) == "NOT_HELD"


async def test_a_plan_with_too_many_parts_ends_with_its_last_one(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    await world.reports_collection.document(held).update({"parts": 10**12})
    report = await execute_plan(world, held)
    assert (report["status"], len(report["updated"])) == ("COMPLETED", RESERVATION_COUNT)
