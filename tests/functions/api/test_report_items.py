"""A report's reservations page by page, a plan by day, and unknown counts."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.fault_injection import FailureKind
from tests.support.held_plans import hold_plan_with_missing, hold_plan_with_updates
from tests.support.staff_api import StaffApiClient
from tests.support.world import HiddenReservations, World

KEEP = {"decision": "KEPT", "reason": "Confirmed by phone"}


async def read_items(client: StaffApiClient, report_id: str, **query: Any) -> dict[str, Any]:
    response = await client.get(f"reports/{report_id}/items", params=query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
async def held_id(world: World) -> str:
    """The id of a report with 22 reservations missing in OpenTable's response."""
    _, report_id = await hold_plan_with_missing(world)
    return report_id


async def test_a_held_plan_names_day_time_guest_and_party(
    host: StaffApiClient, world: World
) -> None:
    reservations, held_id = await hold_plan_with_missing(world)
    key = reservations[0].key.lower()
    await world.ingest_envelope(
        "updated", reservationId=key, restaurantId=world.restaurant.id, dinerName="José García"
    )
    page = await read_items(host, held_id, list="missing")
    assert (page["total"], page["next"], len(page["items"])) == (22, None, 22)
    [item] = [item for item in page["items"] if item["externalId"] == key]
    unset = ("reviewDecision", "type", "reason", "previousStatus", "newStatus")
    assert item == {
        "reservationId": f"opentable-{key}",
        "externalId": key,
        "localDate": "2026-03-16",
        "localTime": "11:00",
        "partySize": 2,
        "dinerName": "José García",
        "status": "BOOKED",
        "changes": {},
        **dict.fromkeys(unset),
    }


async def test_a_held_plan_has_totals_by_day_and_its_effects(
    host: StaffApiClient, held_id: str
) -> None:
    report = (await host.get(f"reports/{held_id}")).json()
    assert report["days"] == [{"date": "2026-03-16", "reservations": 22, "covers": 44}]
    assert report["planEffects"][0].startswith("22 reservations will be looked up")


async def test_an_executed_plan_has_no_effects_anymore(
    manager: StaffApiClient, world: World
) -> None:
    _, held_id = await hold_plan_with_updates(world)
    await manager.post(f"reports/{held_id}/force")
    assert (await manager.get(f"reports/{held_id}")).json()["planEffects"] == []


async def test_pages_of_report_items_have_no_gap_or_overlap(
    host: StaffApiClient, held_id: str
) -> None:
    everyone = (await read_items(host, held_id, list="missing"))["items"]
    found, offset = [], 0
    while offset is not None:
        page = await read_items(host, held_id, list="missing", limit=5, offset=offset)
        found += page["items"]
        offset = page["next"]
    assert (found, len(found)) == (everyone, 22)


async def test_an_offset_after_the_end_is_an_empty_page(host: StaffApiClient, held_id: str) -> None:
    page = await read_items(host, held_id, list="missing", offset=100)
    assert (page["items"], page["total"], page["next"]) == ([], 22, None)


async def test_a_divergence_shows_the_decision_of_the_staff(
    manager: StaffApiClient, world: World
) -> None:
    key = world.actions.create(world.clock() + timedelta(days=1), 4).key
    await world.poll()
    with HiddenReservations(world, key):
        report_id = (await world.reconcile())["reportId"]
    await manager.post(f"reservations/opentable-{key.lower()}/review", KEEP)
    [item] = (await read_items(manager, report_id, list="divergences"))["items"]
    assert item["type"] == "MISSING_IN_OPENTABLE"
    assert (item["reviewDecision"], item["partySize"]) == ("KEPT", 4)


async def test_damaged_items_hide_nothing(host: StaffApiClient, world: World, held_id: str) -> None:
    damaged = [
        7,
        {},
        {"reservationId": 7, "startAt": "x", "partySize": "x"},
        {"reservationId": "opentable-x", "startAt": "0001-01-01T00:00:00Z", "changes": 7},
    ]
    await world.reports_collection.document(held_id).update({"missing": damaged})
    page = await read_items(host, held_id, list="missing")
    assert (page["total"], [item["localDate"] for item in page["items"]]) == (3, [None] * 3)


async def test_an_unknown_report_is_refused_in_plain_words(host: StaffApiClient) -> None:
    response = await host.get("reports/none/items?list=missing")
    text = "There is no report with this id. Choose one from the list."
    assert response.json()["error"]["message"] == text


async def test_the_counts_of_a_failed_report_are_null(host: StaffApiClient, world: World) -> None:
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=403, times=50)
    await world.reconcile()
    report = (await host.get("reports/latest")).json()
    assert (report["status"], report["failure"]) == ("FAILED", "OPENTABLE")
    counts = ("openTableCount", "comparedCount", "unchangedCount", "newDivergences")
    assert [report[name] for name in counts] == [None] * 4
    assert (await host.get("health")).json()["missedWebhooks"] == 0


@pytest.mark.parametrize("hold", [hold_plan_with_missing, hold_plan_with_updates])
async def test_an_executed_plan_compares_no_window(
    hold: Any, manager: StaffApiClient, world: World
) -> None:
    _, held_id = await hold(world)
    report = (await manager.post(f"reports/{held_id}/force")).json()
    counts = ("openTableCount", "ledgerCount", "comparedCount", "unchangedCount")
    assert [report[name] for name in counts] == [None] * 4
