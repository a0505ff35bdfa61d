"""Analytics by source and in total, days without counts, and the CSV file."""

from datetime import timedelta
from typing import Any

import pytest

from dev.local.demo_data import build_native_reservations
from tests.support.staff_api import StaffApiClient
from tests.support.world import NEW_YORK, START_TIME, World

WEEK = {"from": "2026-03-13", "to": "2026-03-19"}


@pytest.fixture
async def world_with_analytics(world: World) -> World:
    """Two bookings on Monday the 16th at 11, one cancelled on Tuesday, and seven native ones."""
    world.actions.create(START_TIME + timedelta(days=2), 4)
    world.actions.create(START_TIME + timedelta(days=2), 2)
    world.actions.cancel(world.actions.create(START_TIME + timedelta(days=3), 6).key)
    for document in build_native_reservations(world.restaurant.id, NEW_YORK, START_TIME):
        await world.reservations_collection.document(document["id"]).set(document)
    await world.reconcile()
    return world


async def request_analytics(manager: StaffApiClient, **query: str) -> Any:
    response = await manager.get("analytics", params=query or WEEK)
    assert response.status_code == 200, response.text
    return response.json()


async def test_sums_are_returned_by_source_and_in_total(
    manager: StaffApiClient, world_with_analytics: World
) -> None:
    body = await request_analytics(manager)
    by_source = {name: each["bookings"] for name, each in body["sources"].items()}
    assert by_source == {"OPENTABLE": 3, "LINEUP": 7}
    assert body["total"]["bookings"] == 10
    open_table = body["sources"]["OPENTABLE"]
    assert (open_table["covers"], open_table["cancelledCovers"], open_table["parties"]) == (6, 6, 2)
    assert open_table["cancellationRate"] == pytest.approx(1 / 3, abs=1e-4)
    assert body["timeZone"] == world_with_analytics.restaurant.document()["timeZone"]


@pytest.mark.usefixtures("world_with_analytics")
async def test_covers_and_bookings_are_returned_by_weekday_and_hour(
    manager: StaffApiClient,
) -> None:
    assert (await request_analytics(manager))["sources"]["OPENTABLE"]["hours"] == [
        {"weekday": 1, "hour": 11, "bookings": 2, "covers": 6},
        {"weekday": 2, "hour": 11, "bookings": 1, "covers": 0},
    ]


@pytest.mark.usefixtures("world_with_analytics")
async def test_all_lead_times_and_occurring_party_sizes_are_returned(
    manager: StaffApiClient,
) -> None:
    pattern = (await request_analytics(manager))["sources"]["OPENTABLE"]
    leads = {each["leadTime"]: each["bookings"] for each in pattern["leadTimes"]}
    assert (len(leads), leads["DAYS_2_TO_3"], leads["UNKNOWN"]) == (9, 3, 0)
    parties_by_size = {each["partySize"]: each["parties"] for each in pattern["partySizes"]}
    assert parties_by_size == {2: 1, 4: 1}


@pytest.mark.usefixtures("world_with_analytics")
async def test_each_day_is_returned_by_source(manager: StaffApiClient) -> None:
    days = {day["date"]: day["sources"] for day in (await request_analytics(manager))["days"]}
    assert list(days) == [f"2026-03-{number}" for number in range(13, 20)]
    assert days["2026-03-16"]["OPENTABLE"]["covers"] == 6
    assert days["2026-03-18"]["LINEUP"]["covers"] == 0


@pytest.mark.usefixtures("world_with_analytics")
async def test_days_that_no_run_counted_are_absent_and_not_zero(manager: StaffApiClient) -> None:
    body = await request_analytics(manager, **{"from": "2026-03-10", "to": "2026-03-14"})
    assert [day["date"] for day in body["days"]] == ["2026-03-13", "2026-03-14"]
    assert body["absent"] == [{"from": "2026-03-10", "to": "2026-03-12"}]


async def test_before_the_first_run_all_is_absent(manager: StaffApiClient) -> None:
    body = await request_analytics(manager)
    assert (body["days"], body["absent"]) == ([], [WEEK])
    assert (body["total"]["bookings"], body["total"]["cancellationRate"]) == (0, None)


@pytest.mark.parametrize(
    "query, span",
    [
        ({}, ("2026-02-14", "2026-03-13")),
        ({"to": "2026-03-20"}, ("2026-02-21", "2026-03-20")),
        ({"from": "2026-03-20"}, ("2026-03-20", "2026-04-16")),
        ({"to": "0001-01-02"}, ("0001-01-01", "0001-01-02")),
        ({"from": "9999-12-30"}, ("9999-12-30", "9999-12-31")),
    ],
)
async def test_a_missing_end_makes_it_four_weeks(
    manager: StaffApiClient, query: dict[str, str], span: tuple[str, str]
) -> None:
    body = (await manager.get("analytics", params=query)).json()
    assert (body["from"], body["to"]) == span


async def test_the_longest_span_is_answered(manager: StaffApiClient) -> None:
    body = await request_analytics(manager, **{"from": "2025-02-07", "to": "2026-03-14"})
    assert body["days"] == []


async def test_a_file_has_the_same_days(
    manager: StaffApiClient, world_with_analytics: World
) -> None:
    response = await manager.get("analytics", params=WEEK | {"format": "csv"})
    assert response.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    name = f"analytics-{world_with_analytics.restaurant.id}-2026-03-13-2026-03-19.csv"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    header, *rows = response.text.split("\r\n")[:-1]
    assert header.startswith("date,source,parties,bookings,")
    assert len(rows) == 14
    assert "2026-03-16,OPENTABLE,2,2,0,0,0,6," in response.text


async def test_an_unknown_source_in_the_rollups_is_in_no_file(
    manager: StaffApiClient, world_with_analytics: World
) -> None:
    patterns = world_with_analytics.analytics_collection
    await patterns.document("2026-03-14=HYPERLINK(1)").set({"sources": {"OPENTABLE": {}}})
    response = await manager.get("analytics", params=WEEK | {"format": "csv"})
    assert (response.status_code, "HYPERLINK" in response.text) == (200, False)
