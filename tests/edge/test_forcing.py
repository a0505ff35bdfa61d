"""A held plan is carried out item by item, against what both sides hold by now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dev.sandbox.faults import FailureKind
from dev.sandbox.guestbook import GuestActions
from shared.edge import held_plans, paths, reports
from shared.edge.forcing import force_held_report
from tests.held import MANY, SOON, force, held_for_missing, held_for_updates, keys, stored
from tests.hidden import Hidden
from tests.statements import row
from tests.world import BEGINNING, World, disagreements


async def test_a_held_plan_names_what_the_answer_lacks(world: World) -> None:
    booked, held = await held_for_missing(world)
    report = await stored(world, held)
    assert keys(report["missing"]) == {reservation.key.lower() for reservation in booked}
    assert report["counts"]["missing"] == MANY


async def test_a_forced_plan_is_carried_out(world: World) -> None:
    _, held = await held_for_updates(world)
    report = await force(world, held)
    assert (report["status"], report["forcedFrom"]) == ("COMPLETED", held)
    assert (len(report["updated"]), report["skipped"]) == (MANY, [])
    assert disagreements(world.book(), await world.ledger()) == []


async def test_what_a_held_plan_would_create_is_created(world: World) -> None:
    _, held = await held_for_updates(world)
    late = world.desk.create(SOON, 3)
    again = await world.reconcile()
    assert again["status"] == "HELD"
    report = await force(world, again["reportId"])
    assert keys(report["created"]) == {late.key.lower()}
    assert held != again["reportId"]


async def test_what_a_forced_plan_brings_shows_its_diner_at_once(world: World) -> None:
    booked, _ = await held_for_updates(world)
    guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    late = world.desk.create(SOON, 3, guest_key=guests.add("Ada", "Lovelace").key)
    held = (await world.reconcile())["reportId"]
    assert (await force(world, held))["status"] == "COMPLETED"
    ledger = await world.ledger()
    assert ledger[late.key.lower()]["dinerName"] == "Ada Lovelace"
    assert len(ledger) == len(booked) + 1


async def test_what_was_cancelled_there_is_cancelled_here_by_force(world: World) -> None:
    booked = [world.desk.create(SOON, 2) for _ in range(MANY)]
    await world.poll()
    for reservation in booked:
        world.desk.cancel(reservation.key)
    report = await force(world, (await world.reconcile())["reportId"])
    assert len(report["cancelled"]) == MANY
    assert {document["status"] for document in (await world.ledger()).values()} == {"CANCELLED"}


async def test_a_held_report_says_which_report_carried_it_out(world: World) -> None:
    _, held = await held_for_updates(world)
    report = await force(world, held)
    marked = await stored(world, held)
    assert (marked["status"], marked["forcedTo"]) == ("HELD", report["reportId"])
    assert marked["forcedAt"] == BEGINNING


async def test_an_item_that_open_table_moved_since_is_skipped(world: World) -> None:
    booked, held = await held_for_updates(world)
    world.desk.change_party_size(booked[0].key, 8)
    report = await force(world, held)
    [skipped] = report["skipped"]
    assert skipped["externalId"] == booked[0].key.lower()
    assert skipped["reason"].startswith("OpenTable has said something newer")
    assert (await world.ledger())[booked[0].key.lower()]["partySize"] == 2


async def test_an_item_that_the_ledger_moved_since_is_skipped(world: World) -> None:
    booked, held = await held_for_updates(world)
    await world.hear_relay("updated", reservationId=booked[0].key, specialRequests="Quiet")
    report = await force(world, held)
    [skipped] = report["skipped"]
    assert skipped["externalId"] == booked[0].key.lower()
    assert skipped["reason"].startswith("The ledger has heard something else")
    assert report["counts"]["skipped"] == 1


async def test_open_table_is_not_asked_about_what_the_ledger_moved(world: World) -> None:
    booked, held = await held_for_updates(world)
    await world.hear_relay("updated", reservationId=booked[0].key, specialRequests="Quiet")
    asked = world.sandbox.request_counts["reservation"]
    await force(world, held)
    assert world.sandbox.request_counts["reservation"] - asked == MANY - 1


async def test_an_item_that_open_table_no_longer_has_is_skipped(world: World) -> None:
    booked, held = await held_for_updates(world)
    with Hidden(world, booked[0].key):
        report = await force(world, held)
    [skipped] = report["skipped"]
    assert skipped["reason"].startswith("OpenTable has no reservation of this id any more")
    assert report["divergences"] == []


async def test_an_item_that_cannot_be_read_any_more_is_listed_as_such(world: World) -> None:
    booked, held = await held_for_updates(world)
    odd = booked[0]
    world.sandbox.store.update_reservation(odd.rid, odd.key, lambda row: replace(row, party_size=0))
    report = await force(world, held)
    assert [entry["type"] for entry in report["divergences"]] == ["UNREADABLE"]
    assert keys(report["divergences"]) == {odd.key.lower()}


async def test_a_missing_row_that_open_table_has_by_its_id_is_no_divergence(world: World) -> None:
    _, held = await held_for_missing(world)
    report = await force(world, held)
    assert (report["divergences"], report["skipped"]) == ([], [])


async def test_a_missing_row_that_moved_out_of_the_window_is_corrected(world: World) -> None:
    booked, held = await held_for_missing(world)
    world.desk.reschedule(booked[0].key, BEGINNING + timedelta(days=90))
    report = await force(world, held)
    assert keys(report["updated"]) == {booked[0].key.lower()}


async def test_a_missing_row_that_open_table_does_not_have_is_flagged_never_cancelled(
    world: World,
) -> None:
    booked, held = await held_for_missing(world)
    with Hidden(world, *(reservation.key for reservation in booked)):
        report = await force(world, held)
    assert {entry["type"] for entry in report["divergences"]} == {"MISSING_IN_OPENTABLE"}
    documents = (await world.ledger()).values()
    assert {document["status"] for document in documents} == {"BOOKED"}
    assert {document["reconciliation"]["reconciliationStatus"] for document in documents} == {
        "DIVERGED"
    }


async def test_the_run_after_a_forced_plan_is_an_ordinary_one(world: World) -> None:
    booked, held = await held_for_missing(world)
    with Hidden(world, *(reservation.key for reservation in booked)):
        await force(world, held)
        report = await world.reconcile()
    assert (report["status"], report["newDivergences"]) == ("COMPLETED", 0)


async def test_documents_that_someone_changed_by_hand_are_repaired_by_force(
    world: World,
) -> None:
    for _ in range(MANY):
        world.desk.create(SOON, 2)
    await world.poll()
    reservations = paths.reservations_collection(world.services.firestore, world.restaurant.id)
    async for document in reservations.list_documents():
        await document.update({"partySize": 9})
    held = await world.reconcile()
    report = await force(world, held["reportId"])
    assert (held["status"], len(report["updated"])) == ("HELD", MANY)
    assert disagreements(world.book(), await world.ledger()) == []


async def test_a_plan_that_failed_on_its_way_may_be_forced_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_plans, "MAX_ITEMS_PER_BATCH", 8)
    _, held = await held_for_updates(world)
    last = (await stored(world, held))["updated"][-1]["basis"]["openTableId"]
    world.sandbox.faults.script_failure(
        FailureKind.STATUS, path=f"/sync/v2/reservations/{last}", status=403
    )
    first, second = await force(world, held), await force(world, held)
    assert (first["status"], second["status"]) == ("FAILED", "COMPLETED")
    assert first["reason"].endswith("force the held plan again for the rest.")
    assert len(first["updated"]) + len(second["updated"]) == MANY
    assert keys(first["updated"]) == keys(second["skipped"])


async def test_a_plan_in_several_documents_is_carried_out_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_PART_BYTES", 2_000)
    _, held = await held_for_updates(world)
    assert (await stored(world, held))["parts"] > 2
    answer = await force_held_report(world.services, world.restaurant.id, held, 30)
    assert answer["updated"] == MANY
    assert disagreements(world.book(), await world.ledger()) == []


async def test_a_missing_row_that_a_webhook_told_of_since_is_skipped(world: World) -> None:
    booked, held = await held_for_missing(world)
    ahead = row(50, id=booked[0].key, rid=int(world.restaurant.rid), party_size=6)
    await world.take_in(ahead)
    report = await force(world, held)
    assert keys(report["skipped"]) == {booked[0].key.lower()}
