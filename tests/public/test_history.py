"""A reservation's history: its journal as a timeline."""

from playwright.async_api import expect

from tests.public.conftest import OpenPage
from tests.public.harness import PageHarness


async def test_the_history_shows_change_time_and_channel(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_envelope()
    await harness.send_envelope("updated", 5, partySize=6)
    page = await open_page()
    await page.get_by_role("button", name="Ada Lovelace").click()
    last = page.locator(".story > li").last
    await expect(last.get_by_role("time")).to_have_text("Mon 9 Mar, 08:05")
    await expect(last).to_contain_text("Party: 4 → 6")
    await expect(last).to_contain_text("OpenTable, by the relay, came by webhook")


async def test_a_late_older_message_is_marked_as_such(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_envelope("updated", 5, partySize=6)
    await harness.send_envelope("created", 0, partySize=3)
    await harness.send_envelope("updated", 3, partySize=2)
    page = await open_page()
    await page.get_by_role("button", name="Ada Lovelace").click()
    await expect(page.locator(".story")).to_contain_text("An older message came late")


async def test_an_open_history_is_updated(harness: PageHarness, open_page: OpenPage) -> None:
    await harness.send_envelope()
    page = await open_page()
    await page.get_by_role("button", name="Ada Lovelace").click()
    await page.locator(".story > li").first.wait_for()
    await harness.send_envelope("updated", 5, status="seated")
    await expect(page.locator(".story > li")).to_have_count(2)
    await expect(page.get_by_role("dialog").locator(".marks")).to_contain_text("Seated")


async def test_a_history_has_its_own_url(harness: PageHarness, open_page: OpenPage) -> None:
    await harness.send_envelope()
    page = await open_page(screen="story/opentable-ot_1")
    await expect(page.locator(".story")).to_contain_text("Taken into the book")


async def test_a_history_names_the_diner_and_links_to_its_day(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_envelope()
    page = await open_page(screen="story/opentable-ot_1")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    await page.get_by_role("link", name="Saturday 14 March").click()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_an_empty_history_shows_a_message(open_page: OpenPage) -> None:
    page = await open_page(screen="story/opentable-unknown")
    await expect(page.locator("main")).to_contain_text("has no reservation with this id")
