"""Patterns: by source and in total, the days that were never counted, and as a file."""

from datetime import timedelta
from typing import Any

import pytest

from dev.demo_day import build_native_reservations
from shared.edge import paths
from tests.functions.api.caller import Caller, code_of
from tests.world import BEGINNING, NEW_YORK, World

WEEK = {"from": "2026-03-13", "to": "2026-03-19"}


@pytest.fixture
async def counted(world: World) -> World:
    """Two bookings on Monday the 16th at 11, one cancelled on Tuesday, and the house's own."""
    world.desk.create(BEGINNING + timedelta(days=2), 4)
    world.desk.create(BEGINNING + timedelta(days=2), 2)
    world.desk.cancel(world.desk.create(BEGINNING + timedelta(days=3), 6).key)
    for document in build_native_reservations(world.restaurant.id, NEW_YORK, BEGINNING):
        reservations = paths.reservations_collection(world.services.firestore, world.restaurant.id)
        await reservations.document(document["id"]).set(document)
    await world.reconcile()
    return world


async def told(manager: Caller, **asked: str) -> Any:
    reply = await manager.get("analytics", params=asked or WEEK)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_host_is_not_told(host: Caller) -> None:
    assert code_of(await host.get("analytics")) == (403, "ROLE_REQUIRED")


async def test_sums_are_told_by_source_and_in_total(manager: Caller, counted: World) -> None:
    body = await told(manager)
    by_source = {name: each["bookings"] for name, each in body["sources"].items()}
    assert by_source == {"OPENTABLE": 3, "LINEUP": 7}
    assert body["total"]["bookings"] == 10
    open_table = body["sources"]["OPENTABLE"]
    assert (open_table["covers"], open_table["cancelledCovers"], open_table["parties"]) == (6, 6, 2)
    assert open_table["cancellationRate"] == pytest.approx(1 / 3, abs=1e-4)
    assert body["timeZone"] == counted.restaurant.document()["timeZone"]


@pytest.mark.usefixtures("counted")
async def test_covers_and_bookings_are_told_by_weekday_and_hour(manager: Caller) -> None:
    assert (await told(manager))["sources"]["OPENTABLE"]["hours"] == [
        {"weekday": 1, "hour": 11, "bookings": 2, "covers": 6},
        {"weekday": 2, "hour": 11, "bookings": 1, "covers": 0},
    ]


@pytest.mark.usefixtures("counted")
async def test_lead_times_are_told_whole_and_party_sizes_as_they_occur(manager: Caller) -> None:
    pattern = (await told(manager))["sources"]["OPENTABLE"]
    leads = {each["leadTime"]: each["bookings"] for each in pattern["leadTimes"]}
    assert (len(leads), leads["DAYS_2_TO_3"], leads["UNKNOWN"]) == (9, 3, 0)
    assert pattern["partySizes"] == [
        {"partySize": 2, "parties": 1},
        {"partySize": 4, "parties": 1},
    ]


@pytest.mark.usefixtures("counted")
async def test_each_day_is_told_by_source(manager: Caller) -> None:
    days = {day["date"]: day["sources"] for day in (await told(manager))["days"]}
    assert list(days) == [f"2026-03-{number}" for number in range(13, 20)]
    assert (days["2026-03-16"]["OPENTABLE"]["covers"], days["2026-03-18"]["LINEUP"]["covers"]) == (
        6,
        0,
    )


@pytest.mark.usefixtures("counted")
async def test_days_that_no_run_counted_are_absent_and_not_zero(manager: Caller) -> None:
    body = await told(manager, **{"from": "2026-03-10", "to": "2026-03-14"})
    assert [day["date"] for day in body["days"]] == ["2026-03-13", "2026-03-14"]
    assert body["absent"] == [{"from": "2026-03-10", "to": "2026-03-12"}]


async def test_before_the_first_run_all_is_absent(manager: Caller) -> None:
    body = await told(manager)
    assert (body["days"], body["absent"]) == ([], [WEEK])
    assert (body["total"]["bookings"], body["total"]["cancellationRate"]) == (0, None)


@pytest.mark.parametrize(
    "asked, span",
    [
        ({}, ("2026-02-14", "2026-03-13")),
        ({"to": "2026-03-20"}, ("2026-02-21", "2026-03-20")),
        ({"from": "2026-03-20"}, ("2026-03-20", "2026-04-16")),
        ({"to": "0001-01-02"}, ("0001-01-01", "0001-01-02")),
        ({"from": "9999-12-30"}, ("9999-12-30", "9999-12-31")),
    ],
)
async def test_a_missing_end_makes_it_four_weeks(
    manager: Caller, asked: dict[str, str], span: tuple[str, str]
) -> None:
    body = (await manager.get("analytics", params=asked)).json()
    assert (body["from"], body["to"]) == span


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-03-14", "to": "2026-03-13"},
        {"from": "2025-01-01", "to": "2026-03-13"},
        {"from": "yesterday"},
        {"format": "xls"},
        {"since": "2026-03-13"},
    ],
)
async def test_what_is_no_span_is_refused(manager: Caller, asked: dict[str, str]) -> None:
    assert code_of(await manager.get("analytics", params=asked)) == (400, "INVALID_REQUEST")


async def test_the_longest_span_is_answered(manager: Caller) -> None:
    assert (await told(manager, **{"from": "2025-02-07", "to": "2026-03-14"}))["days"] == []


async def test_a_file_has_the_same_days(manager: Caller, counted: World) -> None:
    reply = await manager.get("analytics", params=WEEK | {"format": "csv"})
    assert reply.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    name = f"patterns-{counted.restaurant.id}-2026-03-13-2026-03-19.csv"
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert (reply.headers["cache-control"], reply.headers["x-content-type-options"]) == (
        "no-store",
        "nosniff",
    )
    header, *rows = reply.text.split("\r\n")[:-1]
    assert header.startswith("date,source,parties,bookings,")
    assert len(rows) == 14
    assert "2026-03-16,OPENTABLE,2,2,0,0,0,6," in reply.text


async def test_a_stranger_among_the_roll_ups_is_in_no_file(manager: Caller, counted: World) -> None:
    patterns = paths.analytics_collection(counted.services.firestore, counted.restaurant.id)
    await patterns.document("2026-03-14=HYPERLINK(1)").set({"sources": {"OPENTABLE": {}}})
    reply = await manager.get("analytics", params=WEEK | {"format": "csv"})
    assert (reply.status_code, "HYPERLINK" in reply.text) == (200, False)


async def test_another_restaurants_patterns_are_not_told(manager: Caller) -> None:
    reply = await manager.at("restaurant-of-others").get("analytics")
    assert code_of(reply) == (403, "FORBIDDEN")
