"""The list on a Saturday at eight: late guests, no-shows, names of any length."""

from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import NEW_YORK, PAGE_DAY, PageHarness, expect_day, service_day
from tests.public.test_screens import horizontal_overflow

EIGHT = datetime(2026, 3, 14, 20, tzinfo=NEW_YORK)
LONG = "Maximiliana-Wilhelmina von Hohenzollern-Sigmaringen und zu Castell-Rüdenhausen"


async def test_a_party_that_is_late_is_marked(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(now=EIGHT)
    await expect(page.get_by_role("row", name="Samir Lindqvist")).to_contain_text("30 min late")
    await expect(page.get_by_role("row", name="Milan Petersen")).not_to_contain_text("late")
    await expect(page.get_by_role("row", name="Leila Fontaine")).not_to_contain_text("late")


async def test_a_party_grows_later_while_nothing_else_changes(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(now=EIGHT)
    row = page.get_by_role("row", name="Samir Lindqvist")
    await expect(row).to_contain_text("30 min late")
    await page.clock.set_fixed_time(EIGHT + timedelta(minutes=10))
    await expect(row).to_contain_text("40 min late")


async def test_lateness_uses_the_server_clock(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(now=EIGHT)
    demo = {"local": {"restaurantId": harness.restaurant.id, "simulatedClock": True}}
    await page.route("**/__/firebase/init.json", lambda route: route.fulfill(json=demo))
    await page.reload()
    row = page.get_by_role("row", name="Samir Lindqvist")
    await expect(row).to_be_visible()
    await expect(row).not_to_contain_text("late")


async def test_a_party_with_the_late_state_is_marked(harness: PageHarness) -> None:
    start = {"scheduled_time": f"{PAGE_DAY}T21:00:00", "scheduled_time_utc": "2026-03-15T01:00:00Z"}
    await harness.sender.send(harness.sender.row(7, state="Late", **start))
    page = await harness.open_page(now=EIGHT)
    await expect(page.locator("tbody .tag")).to_have_text("Will be late")


@pytest.mark.usefixtures("native_reservations")
async def test_cancelled_parties_are_collapsed_but_can_be_found(page: Page) -> None:
    gone = page.get_by_role("link", name="Jonas Achterberg")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()
    await expect(gone).to_be_hidden()
    await page.get_by_text("Cancelled (1)").click()
    await expect(gone).to_be_visible()
    await page.get_by_text("Cancelled (1)").click()
    await page.get_by_role("searchbox").fill("achterberg")
    await expect(gone).to_be_visible()


async def test_long_names_and_requests_do_not_overflow(harness: PageHarness) -> None:
    await harness.send_envelope(dinerName=LONG, specialRequests="Nut allergy; " * 30)
    page = await harness.open_page(viewport={"width": 390, "height": 844})
    await expect(page.get_by_role("link", name=LONG)).to_be_visible()
    assert await horizontal_overflow(page) == 0


async def test_times_are_the_restaurants_wherever_the_browser_is(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(timezone_id="Asia/Tokyo")
    row = page.get_by_role("row", name="Leila Fontaine")
    await expect(row.locator("td.time")).to_have_text("8:45 PM")
    await page.get_by_role("button", name="Today").click()
    await expect(page.get_by_label("Go to date")).to_have_value(service_day())


async def test_a_row_without_a_party_is_marked(harness: PageHarness) -> None:
    await harness.send_envelope("updated", 1, reservationId="early", dinerName="Sophie Germain")
    await harness.send_envelope(
        "updated", 2, reservationId="early", reservationDateTime="2026-03-14T23:15:00Z"
    )
    page = await harness.open_page()
    await expect(page.get_by_role("row", name="Sophie Germain")).to_contain_text("Incomplete")


async def test_a_row_with_a_warning_is_marked_with_advice(harness: PageHarness) -> None:
    await harness.create_divergence()
    page = await harness.open_page()
    row = page.get_by_role("row", name="Ada Lovelace")
    await expect(row).to_contain_text("Not found at OpenTable")
    await row.get_by_role("link").click()
    await expect(page.get_by_role("dialog")).to_contain_text(
        "OpenTable doesn't have this reservation"
    )


@pytest.mark.usefixtures("ada_reservation")
async def test_recent_changes_stay_listed(harness: PageHarness, page: Page) -> None:
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    await harness.send_envelope("updated", 1, status="seated")
    await expect(page.locator(".recent summary")).to_contain_text("Ada Lovelace is seated.")
    await harness.send_envelope("updated", 2, partySize=6)
    await expect(page.locator(".recent summary")).to_contain_text("is now 6 instead of 4.")
    await page.locator(".recent summary").click()
    await expect(page.locator(".recent li")).to_contain_text("Ada Lovelace is seated.")


@pytest.mark.usefixtures("native_reservations")
async def test_another_days_rows_never_stand_under_a_new_heading(page: Page) -> None:
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    await page.route("**/reservations?date=2026-03-15", lambda route: route.abort())
    await page.get_by_role("button", name="Next day").click()
    await expect_day(page, "Sunday, March 15")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_hidden()
    await expect(page.locator("main .note")).to_contain_text("Offline.")
