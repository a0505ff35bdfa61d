"""A reservation's history: its journal as a timeline."""

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PageHarness, optional_year


async def test_the_history_shows_change_time_and_channel(harness: PageHarness) -> None:
    await harness.send_envelope()
    await harness.send_envelope("updated", 5, partySize=6)
    page = await harness.open_page()
    await page.get_by_role("link", name="Ada Lovelace").click()
    last = page.locator(".history > li").last
    await expect(last.get_by_role("time")).to_have_text(optional_year("Mon, Mar 9*, 8:05 AM"))
    await expect(last).to_contain_text("Party: 4 → 6")
    await expect(last).to_contain_text("via OpenTable (live update)")


async def test_a_late_older_message_is_marked_as_such(harness: PageHarness) -> None:
    await harness.send_envelope("updated", 5, partySize=6)
    await harness.send_envelope("created", 0, partySize=3)
    await harness.send_envelope("updated", 3, partySize=2)
    page = await harness.open_page()
    await page.get_by_role("link", name="Ada Lovelace").click()
    await expect(page.locator(".history")).to_contain_text("Late update ignored")


@pytest.mark.usefixtures("ada_reservation")
async def test_an_open_history_is_updated(harness: PageHarness, page: Page) -> None:
    await page.get_by_role("link", name="Ada Lovelace").click()
    await page.locator(".history > li").first.wait_for()
    await harness.send_envelope("updated", 5, status="seated")
    await expect(page.locator(".history > li")).to_have_count(2)
    await expect(page.get_by_role("dialog").locator(".marks")).to_contain_text("Seated")


async def test_a_reservation_address_leads_to_its_day(harness: PageHarness) -> None:
    await harness.send_envelope()
    page = await harness.open_page(screen="reservation/opentable-ot_1")
    await expect(page.locator(".history")).to_contain_text("Added")
    await expect(page.get_by_role("dialog")).to_contain_text("Saturday, March 14")
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_an_unknown_reservation_shows_a_message_and_a_way_on(harness: PageHarness) -> None:
    page = await harness.open_page(screen="reservation/opentable-unknown")
    await expect(page.locator("main")).to_contain_text("There is no reservation at this address.")
    await page.get_by_role("link", name="Go to today's reservations").click()
    await expect(page.get_by_label("Go to date")).to_be_visible()
