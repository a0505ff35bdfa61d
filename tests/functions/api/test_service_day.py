"""The reservations of a service day, and the settings for days, dates and times."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.reservations import apply_envelope, write_native_reservation
from tests.support.staff_api import StaffApiClient
from tests.support.world import World


async def store_reservation_at(world: World, id_: str, start: str) -> None:
    await apply_envelope(world, reservationId=id_, reservationDateTime=start)


async def list_day(client: StaffApiClient, query: str) -> list[str]:
    body = (await client.get(f"reservations{query}")).json()
    return [item["id"].removeprefix("opentable-") for item in body["reservations"]]


@pytest.fixture
async def saturday_night(world: World) -> None:
    """Reservations around the midnight after Saturday, 14 March 2026, in New York (UTC-4)."""
    await store_reservation_at(world, "early", "2026-03-14T03:30:00-04:00")
    await store_reservation_at(world, "dinner", "2026-03-14T19:00:00-04:00")
    await store_reservation_at(world, "late", "2026-03-15T00:30:00-04:00")
    await store_reservation_at(world, "brunch", "2026-03-15T11:00:00-04:00")


@pytest.mark.usefixtures("saturday_night")
async def test_a_guest_after_midnight_is_listed_with_the_evening(host: StaffApiClient) -> None:
    assert await list_day(host, "?date=2026-03-13") == ["early"]
    assert await list_day(host, "?date=2026-03-14") == ["dinner", "late"]
    assert await list_day(host, "?date=2026-03-15") == ["brunch"]


@pytest.mark.usefixtures("saturday_night")
async def test_a_reservation_names_its_service_date(host: StaffApiClient) -> None:
    late = (await host.get("reservations/opentable-late")).json()
    assert (late["localDate"], late["serviceDate"]) == ("2026-03-15", "2026-03-14")


@pytest.mark.usefixtures("saturday_night")
async def test_the_present_day_after_midnight_is_the_evening(
    host: StaffApiClient, world: World
) -> None:
    world.clock.advance((datetime(2026, 3, 15, 5, tzinfo=UTC) - world.clock()).total_seconds())
    body = (await host.get("reservations")).json()
    assert (body["date"], body["serviceDayEndsAt"]) == ("2026-03-14", "04:00")


@pytest.mark.usefixtures("saturday_night")
async def test_the_end_of_the_service_day_is_a_setting(manager: StaffApiClient) -> None:
    tag = (await manager.get("reservations?date=2026-03-15")).headers["ETag"]
    response = await manager.put("integration", {"serviceDayEndsAt": "00:00"})
    assert response.json()["serviceDayEndsAt"] == "00:00"
    assert await list_day(manager, "?date=2026-03-15") == ["late", "brunch"]
    changed = await manager.get("reservations?date=2026-03-15", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    response = await manager.put("integration", {"serviceDayEndsAt": None})
    assert response.json()["serviceDayEndsAt"] == "04:00"


@pytest.mark.usefixtures("saturday_night")
async def test_a_change_after_midnight_changes_the_etag_of_the_evening(
    host: StaffApiClient, world: World
) -> None:
    path = "reservations?date=2026-03-14"
    headers = {"If-None-Match": (await host.get(path)).headers["ETag"]}
    assert (await host.get(path, headers=headers)).status_code == 304
    await apply_envelope(world, "updated", 5, reservationId="late", partySize=9)
    assert (await host.get(path, headers=headers)).status_code == 200


async def test_a_native_reservation_without_a_time_text_stays_on_its_date(
    host: StaffApiClient, world: World
) -> None:
    start = datetime(2026, 3, 15, 4, 30, tzinfo=UTC)
    await write_native_reservation(
        world, startAt=None, startAtTimestamp=start, localDate="2026-03-15"
    )
    assert await list_day(host, "?date=2026-03-14") == []
    assert await list_day(host, "?date=2026-03-15") == ["own-1"]


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
async def test_the_ends_of_the_calendar_are_empty_days(date: str, host: StaffApiClient) -> None:
    assert await list_day(host, f"?date={date}") == []


@pytest.mark.parametrize("country", ["US", "GB", "AQ"])
async def test_a_country_is_an_iso_code(country: str, manager: StaffApiClient) -> None:
    assert (await manager.put("integration", {"country": country})).status_code == 200


@pytest.mark.parametrize(
    "settings, locale, hour_cycle",
    [
        ({}, "en-US", None),
        ({"country": "GB"}, "en-GB", None),
        ({"country": "GB", "locale": "de-CH", "hourCycle": "h12"}, "de-CH", "h12"),
    ],
)
async def test_the_caller_gets_the_locale_of_the_setting_the_country_or_the_zone(
    settings: dict[str, Any], locale: str, hour_cycle: str | None, manager: StaffApiClient
) -> None:
    await manager.put("integration", settings)
    me = (await manager.get("me")).json()
    assert (me["locale"], me["hourCycle"], me["serviceDayEndsAt"]) == (locale, hour_cycle, "04:00")


@pytest.mark.parametrize(
    "country, locale",
    [("gb", "en-GB"), *((damaged, "en-US") for damaged in ("us", "United Kingdom", "USA", "é"))],
)
async def test_a_damaged_country_gives_the_locale_of_the_zone(
    manager: StaffApiClient, world: World, country: str, locale: str
) -> None:
    await world.change_settings(country=country)
    assert (await manager.get("me")).json()["locale"] == locale


async def test_damaged_settings_of_the_page_stop_nothing(
    manager: StaffApiClient, world: World
) -> None:
    await world.change_settings(serviceDayEndsAt=4, locale="x y", hourCycle=["h12"])
    integration = (await manager.get("integration")).json()
    assert integration["serviceDayEndsAt"] == "04:00"
    assert (integration["locale"], integration["hourCycle"]) == (None, None)
    assert integration["problems"] == []
    assert (await manager.get("reservations")).status_code == 200
