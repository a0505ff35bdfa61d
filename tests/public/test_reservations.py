"""The reservations of a day in a real browser, updated live."""

import time

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PageHarness, expect_day, service_day

HIDE = """
Object.defineProperty(document, "hidden", {value: true});
document.dispatchEvent(new Event("visibilitychange"));
"""


async def test_the_reservations_follow_a_webhook_within_five_seconds(
    harness: PageHarness, page: Page
) -> None:
    await expect(page.get_by_text("No reservations", exact=True)).to_be_visible()
    await harness.send_envelope()
    sent = time.monotonic()
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    assert time.monotonic() - sent < 5


@pytest.mark.usefixtures("ada_reservation")
async def test_a_change_is_announced(harness: PageHarness, page: Page) -> None:
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    await harness.send_envelope("updated", 1, partySize=6, status="seated")
    announcement = page.get_by_role("status")
    await expect(announcement).to_have_text("Ada Lovelace is seated, is now 6 instead of 4.")


@pytest.mark.usefixtures("ada_reservation")
async def test_a_row_that_did_not_change_is_not_touched(harness: PageHarness, page: Page) -> None:
    held = await page.get_by_role("row", name="Ada Lovelace").element_handle()
    await harness.send_envelope("created", 1, reservationId="ot_2", dinerName="Mary Somerville")
    await page.get_by_role("row", name="Mary Somerville").wait_for()
    assert held is not None
    assert await held.evaluate("row => row.isConnected")


@pytest.mark.usefixtures("ada_reservation")
async def test_the_focus_stays_on_a_row_that_changes(harness: PageHarness, page: Page) -> None:
    name = page.get_by_role("link", name="Ada Lovelace")
    await name.focus()
    await harness.send_envelope("updated", 1, partySize=7)
    await page.get_by_role("row", name="7 guests").wait_for()
    await expect(name).to_be_focused()


@pytest.mark.usefixtures("ada_reservation")
async def test_an_unchanged_day_is_not_sent_again(page: Page) -> None:
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    async with page.expect_response(lambda answer: "?date=" in answer.url) as found:
        pass
    assert (await found.value).status == 304


async def test_a_hidden_page_sends_no_requests(page: Page) -> None:
    await page.clock.install()
    await page.reload()
    await page.get_by_text("No reservations", exact=True).wait_for()
    await page.evaluate(HIDE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.clock.run_for(120_000)
    assert asked == []


@pytest.mark.usefixtures("ada_reservation")
async def test_a_row_has_the_orange_badge_with_an_accessible_label(page: Page) -> None:
    badge = page.get_by_role("row", name="Ada Lovelace").locator(".badge")
    await expect(badge).to_have_css("background-color", "rgb(255, 154, 60)")
    await expect(badge.get_by_text("OT", exact=True)).to_have_attribute("aria-hidden", "true")
    await expect(page.get_by_role("cell", name="OpenTable", exact=True)).to_have_count(1)


async def test_the_day_is_by_time_from_both_sources(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    await harness.send_envelope()
    page = await harness.open_page()
    times = page.get_by_role("table", name="The day's").locator("td.time")
    await expect(times).to_have_count(6)
    shown = await times.all_inner_texts()
    assert shown == sorted(shown)
    assert set(await page.locator("td.source").all_text_contents()) == {"Lineup", "OTOpenTable"}


async def test_a_change_received_before_its_booking_is_listed_separately(
    harness: PageHarness,
) -> None:
    await harness.send_envelope("updated", 1, reservationId="early", dinerName="Sophie Germain")
    page = await harness.open_page()
    apart = page.locator("section.incomplete")
    await expect(apart.get_by_role("heading", name="Incomplete")).to_be_visible()
    await expect(apart.get_by_role("row", name="Sophie Germain")).to_be_visible()
    await expect(page.get_by_role("row", name="Sophie Germain")).to_have_count(1)


async def test_completed_reservations_are_collapsed(harness: PageHarness) -> None:
    for number in range(3):
        early = {"reservationDateTime": f"2026-03-14T1{5 + number}:00:00Z", "status": "completed"}
        await harness.send_envelope("created", number, reservationId=f"ot_{number}", **early)
    await harness.write_native_reservations()
    page = await harness.open_page()
    await expect(page.get_by_role("table", name="The day's").locator("tr[data-id]")).to_have_count(
        5
    )
    await page.get_by_text("Earlier (4 finished)").click()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_have_count(3)


async def test_the_source_filters_the_reservations(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    await harness.send_envelope()
    page = await harness.open_page()
    await page.get_by_text("OpenTable", exact=True).first.click()
    await expect(page.locator("tbody .name")).to_have_text(["Ada Lovelace"])


@pytest.mark.usefixtures("native_reservations")
async def test_the_status_filters_the_reservations(page: Page) -> None:
    await page.locator(".chip", has_text="Cancelled").click()
    await expect(page.locator("tbody:visible .name")).to_have_text(["Jonas Achterberg"])


@pytest.mark.usefixtures("native_reservations")
async def test_the_search_filters_the_reservations(page: Page) -> None:
    await page.get_by_role("searchbox").fill("candle")
    await expect(page.locator("tbody:visible .name")).to_have_text(["Samir Lindqvist"])


@pytest.mark.usefixtures("native_reservations")
async def test_covers_leave_out_those_who_do_not_come(page: Page) -> None:
    await expect(page.locator(".total")).to_have_text("22 covers in 6 reservations")
    hours = page.get_by_role("list", name="Covers by hour").get_by_role("listitem")
    await expect(hours.filter(has_text="7 PM")).to_contain_text("12")
    await expect(hours.filter(has_text="8 PM")).to_contain_text("5")


@pytest.mark.usefixtures("native_reservations")
async def test_another_day_is_a_button_away(page: Page) -> None:
    await page.get_by_role("button", name="Next day").click()
    await expect_day(page, "Sunday, March 15")
    await expect(page.get_by_text("No reservations", exact=True)).to_be_visible()


async def test_an_empty_day_has_no_totals(page: Page) -> None:
    await expect(page.get_by_text("No reservations", exact=True)).to_be_visible()
    await expect(page.locator(".total")).to_have_count(0)


async def test_the_page_opens_with_today(harness: PageHarness) -> None:
    page = await harness.open_page(screen="reservations")
    await expect(page.get_by_label("Go to date")).to_have_value(service_day())


async def test_guest_text_is_never_rendered_as_html(harness: PageHarness) -> None:
    await harness.send_envelope(specialRequests="<img src=x onerror=alert(1)>")
    page = await harness.open_page()
    await expect(page.locator("td.notes")).to_have_text("<img src=x onerror=alert(1)>")
