"""Keep or remove reservations that OpenTable does not know."""

from datetime import date, timedelta
from typing import Any

import pytest

from functions.api import reservation_actions
from shared.reconciliation.report_store import MAX_RECENT_REPORTS
from tests.support.reservations import BUSINESS_DAY, write_native_reservation
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import HiddenReservations, World

REMOVE = {"decision": "REMOVED", "reason": "The guest never booked"}
KEEP = {"decision": "KEPT", "reason": "Confirmed by phone"}
VISIT_DELAY = timedelta(hours=6)


async def flag_missing(world: World, count: int = 1) -> tuple[list[str], str]:
    """Return the document ids of reservations that OpenTable lost, and the report's id."""
    reservations = [world.actions.create(world.clock() + VISIT_DELAY, 4) for _ in range(count)]
    await world.poll()
    data = world.sandbox.store._data_by_rid[int(world.restaurant.rid)]
    for reservation in reservations:
        data.reservations.pop(reservation.key)
    data.version += 1
    report = await world.reconcile()
    assert len(report["divergences"]) == count
    return [entry["reservationId"] for entry in report["divergences"]], report["reportId"]


async def decide_while_hidden(client: StaffApiClient, world: World, body: dict[str, str]) -> str:
    """Decide about a reservation that OpenTable does not list for a while; return its key."""
    key = world.actions.create(world.clock() + VISIT_DELAY, 4).key
    await world.poll()
    with HiddenReservations(world, key):
        await world.reconcile()
        await client.post(f"reservations/opentable-{key.lower()}/review", body)
    return key


async def read_day(client: StaffApiClient) -> tuple[list[Any], list[Any]]:
    body = (await client.get(f"reservations?date={BUSINESS_DAY}")).json()
    return body["reservations"], body["removed"]


async def test_a_removed_reservation_leaves_the_list_and_stays_readable(
    manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    response = await manager.post(f"reservations/{id_}/review", REMOVE)
    assert response.json() == {"id": id_, "reviewDecision": "REMOVED", "outcome": "decided"}
    expected, [removed] = await read_day(manager)
    assert expected == []
    assert removed["id"] == id_
    assert removed["reviewDecision"] == "REMOVED"
    assert removed["reviewReason"] == "The guest never booked"
    assert (await manager.get(f"reservations/{id_}")).json()["reviewDecision"] == "REMOVED"


async def test_a_kept_reservation_stays_in_the_list_with_its_reason(
    manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", KEEP)
    [kept], removed = await read_day(manager)
    assert (kept["reviewDecision"], kept["reviewReason"]) == ("KEPT", "Confirmed by phone")
    assert removed == []


async def test_a_decision_is_journaled_with_its_user_and_reason(
    manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", REMOVE)
    event = (await manager.get(f"reservations/{id_}/events")).json()["events"][-1]
    assert (event["source"], event["eventType"], event["by"]) == ("STAFF", "staff.removed", "mara")
    assert event["changes"] == {
        "reconciliation.reviewDecision": {"from": None, "to": "REMOVED"},
        "metadata.reviewReason": {"from": None, "to": "The guest never booked"},
    }


async def test_a_decision_can_be_changed(manager: StaffApiClient, world: World) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", REMOVE)
    response = await manager.post(f"reservations/{id_}/review", KEEP)
    assert response.json()["outcome"] == "changed"
    assert len((await read_day(manager))[0]) == 1


async def test_the_same_decision_again_writes_nothing(
    manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", REMOVE)
    before = await world.all_documents()
    response = await manager.post(f"reservations/{id_}/review", REMOVE)
    assert response.json()["outcome"] == "unchanged"
    assert await world.all_documents() == before


@pytest.mark.parametrize("body", [REMOVE, KEEP])
async def test_a_later_row_of_opentable_wins(
    body: dict[str, str], manager: StaffApiClient, world: World
) -> None:
    key = await decide_while_hidden(manager, world, body)
    world.actions.change_party_size(key, 7)
    await world.poll()
    [shown], removed = await read_day(manager)
    assert shown["partySize"] == 7
    assert (shown["reviewDecision"], shown["reviewReason"], removed) == (None, None, [])


async def test_a_reservation_that_opentable_lists_again_is_expected_again(
    manager: StaffApiClient, world: World
) -> None:
    await decide_while_hidden(manager, world, REMOVE)
    await world.reconcile()
    [shown], removed = await read_day(manager)
    assert (shown["reviewDecision"], removed) == (None, [])


async def test_a_decision_about_an_earlier_flag_does_not_return(
    manager: StaffApiClient, world: World
) -> None:
    key = await decide_while_hidden(manager, world, REMOVE)
    await world.reconcile()
    with HiddenReservations(world, key):
        report = await world.reconcile()
    assert report["newDivergences"] == 1
    assert len((await read_day(manager))[0]) == 1


@pytest.mark.parametrize("body", [REMOVE, KEEP])
async def test_a_decided_reservation_is_not_listed_again(
    body: dict[str, str], manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", body)
    world.clock.advance(3600)
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert (report["divergences"], report["newDivergences"]) == ([], 0)


async def test_a_decided_reservation_is_not_written_again(
    manager: StaffApiClient, world: World
) -> None:
    [id_], _ = await flag_missing(world)
    await manager.post(f"reservations/{id_}/review", REMOVE)
    before = await world.ledger_documents()
    world.clock.advance(3600)
    await world.reconcile()
    assert await world.ledger_documents() == before


async def test_removed_reservations_are_not_counted(manager: StaffApiClient, world: World) -> None:
    [removed_id, _], _ = await flag_missing(world, 2)
    await manager.post(f"reservations/{removed_id}/review", REMOVE)
    await world.reconcile()
    day = await world.analytics_collection.document(BUSINESS_DAY).get()
    assert day.get("sources.OPENTABLE.covers") == 4


async def test_a_reservation_known_to_opentable_or_of_lineup_cannot_be_decided(
    manager: StaffApiClient, world: World
) -> None:
    key = world.actions.create(world.clock() + VISIT_DELAY, 4).key
    await world.poll()
    await write_native_reservation(world)
    for id_ in (f"opentable-{key.lower()}", "own-1"):
        response = await manager.post(f"reservations/{id_}/review", REMOVE)
        assert error_code(response) == (409, "NOT_REVIEWABLE"), id_


async def test_a_reports_list_is_decided_at_once(manager: StaffApiClient, world: World) -> None:
    ids, report_id = await flag_missing(world, 3)
    response = await manager.post(f"reports/{report_id}/reviews", REMOVE)
    assert response.json() == {
        "reportId": report_id,
        "reviewDecision": "REMOVED",
        "decided": 3,
        **dict.fromkeys(("changed", "unchanged", "notReviewable", "remaining"), 0),
    }
    assert {item["id"] for item in (await read_day(manager))[1]} == set(ids)


async def test_only_the_chosen_reservations_of_a_report_are_decided(
    manager: StaffApiClient, world: World
) -> None:
    ids, report_id = await flag_missing(world, 3)
    for chosen, decided in (([], 0), ([ids[1], "opentable-unknown"], 1)):
        body = {**REMOVE, "reservationIds": chosen}
        response = await manager.post(f"reports/{report_id}/reviews", body)
        assert response.json()["decided"] == decided
    assert [item["id"] for item in (await read_day(manager))[1]] == [ids[1]]


async def test_one_that_cannot_be_decided_does_not_stop_the_others(
    manager: StaffApiClient, world: World
) -> None:
    ids, report_id = await flag_missing(world, 3)
    await world.reservations_collection.document(ids[0]).update({"sync": 7})
    response = (await manager.post(f"reports/{report_id}/reviews", REMOVE)).json()
    assert (response["decided"], response["notReviewable"]) == (2, 1)


async def test_a_bulk_decision_without_time_continues_with_the_next_call(
    manager: StaffApiClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report_id = await flag_missing(world, 3)
    monkeypatch.setattr(reservation_actions, "REVIEW_BUDGET_SECONDS", 0)
    first = (await manager.post(f"reports/{report_id}/reviews", REMOVE)).json()
    monkeypatch.undo()
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    second = (await manager.post(f"reports/{report_id}/reviews", REMOVE)).json()
    assert (first["remaining"], second["decided"], second["remaining"]) == (3, 3, 0)


async def test_a_removed_reservation_without_a_time_is_listed_as_removed(
    manager: StaffApiClient, world: World
) -> None:
    await world.ingest_envelope(
        "updated", reservationId="lost", restaurantId=world.restaurant.id, partySize=2
    )
    await world.reconcile()
    await manager.post("reservations/opentable-lost/review", REMOVE)
    body = (await manager.get(f"reservations?date={BUSINESS_DAY}")).json()
    assert body["incomplete"] == []
    assert [item["id"] for item in body["removed"]] == ["opentable-lost"]


async def test_a_decision_leaves_the_open_divergences_of_the_restaurant(
    manager: StaffApiClient, world: World
) -> None:
    ids, report_id = await flag_missing(world, 3)
    await manager.post(f"reservations/{ids[0]}/review", REMOVE)
    integration = world.integration_document
    assert (await integration.get()).get("reconciliation.openDivergences") == 2
    await manager.post(f"reports/{report_id}/reviews", REMOVE)
    assert (await integration.get()).get("reconciliation.openDivergences") == 0


async def test_a_bulk_decision_is_counted_in_each_report_that_lists_it(
    manager: StaffApiClient, world: World
) -> None:
    _, report_id = await flag_missing(world, 3)
    world.clock.advance(3600)
    await world.reconcile()
    await manager.post(f"reports/{report_id}/reviews", REMOVE)
    for path in (f"reports/{report_id}", "reports/latest"):
        report = (await manager.get(path)).json()
        assert (report["counts"]["divergences"], report["reviewedCount"]) == (3, 3)


async def test_a_report_does_not_count_a_reservation_that_it_does_not_list(
    manager: StaffApiClient, world: World
) -> None:
    [id_], report_id = await flag_missing(world)
    world.clock.advance(3600)
    other_days = {"start": date(2026, 1, 1), "end": date(2026, 1, 2)}
    other_id = (await world.reconcile(**other_days))["reportId"]
    await manager.post(f"reservations/{id_}/review", REMOVE)
    assert (await manager.get(f"reports/{other_id}")).json()["reviewedCount"] == 0
    assert (await manager.get(f"reports/{report_id}")).json()["reviewedCount"] == 1


async def test_a_decision_about_a_reservation_of_no_current_report_hides_no_other(
    manager: StaffApiClient, world: World
) -> None:
    far = world.actions.create(world.clock() + timedelta(days=90), 4)
    await world.poll()
    far_day = far.scheduled.date()
    with HiddenReservations(world, far.key):
        await world.reconcile(start=far_day - timedelta(days=1), end=far_day + timedelta(days=1))
        for _ in range(MAX_RECENT_REPORTS):
            world.clock.advance(3600)
            await world.reconcile()
        await world.integration_document.update({"reconciliation.openDivergences": 1})
        await manager.post(f"reservations/opentable-{far.key.lower()}/review", REMOVE)
    assert (await world.integration_document.get()).get("reconciliation.openDivergences") == 1


async def test_the_newest_report_counts_decided_reservations_once(
    manager: StaffApiClient, world: World
) -> None:
    ids, report_id = await flag_missing(world, 3)
    await manager.post(f"reservations/{ids[0]}/review", REMOVE)
    await manager.post(f"reservations/{ids[0]}/review", KEEP)
    await manager.post(f"reservations/{ids[1]}/review", KEEP)
    report = (await manager.get(f"reports/{report_id}")).json()
    assert (report["counts"]["divergences"], report["reviewedCount"]) == (3, 2)
