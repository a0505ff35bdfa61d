"""The quarantine, for managers: look, try, apply, dismiss."""

from playwright.async_api import Page, expect

from tests.public.conftest import OpenPage
from tests.public.harness import PAGE_DAY, PageHarness


async def open_quarantine_item(page: Page) -> None:
    """Open the only item."""
    await page.get_by_role("row").nth(1).get_by_role("link").click()
    await page.get_by_role("heading", name="Kept aside").wait_for()


async def test_an_item_shows_its_quarantine_reason(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_invalid_envelope()
    page = await open_page("manager", "quarantine")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("partySize must be")


async def test_personal_data_is_masked_until_requested(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_invalid_envelope()
    page = await open_page("manager", "quarantine")
    await open_quarantine_item(page)
    body = page.get_by_label("The message")
    await expect(body).to_contain_text('"dinerName": "•••"')
    await page.get_by_role("button", name="Show personal details").click()
    await expect(body).to_contain_text('"dinerName": "Ada Lovelace"')


async def test_a_message_that_still_cannot_be_applied_shows_why(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_invalid_envelope()
    page = await open_page("manager", "quarantine")
    await open_quarantine_item(page)
    await page.get_by_role("button", name="See what it would do").click()
    await expect(page.locator(".note.bad")).to_contain_text("The event still cannot be applied")


async def test_a_message_is_dismissed_with_a_reason(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.send_invalid_envelope()
    page = await open_page("manager", "quarantine")
    await open_quarantine_item(page)
    await page.get_by_label("Dismiss it, because").fill("A test of the relay")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".facts")).to_contain_text("Dismissed")


async def test_a_message_is_applied_after_its_cause_is_fixed(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.change_settings(timeZone="Mars/Olympus")
    answer = await harness.sender.send(harness.sender.envelope())
    assert answer.status_code == 202
    page = await open_page("manager", "integration")
    await page.get_by_label("Time zone").fill("America/New_York")
    await page.get_by_role("button", name="Save the settings").click()
    await page.get_by_role("link", name="1 update couldn't be applied").click()
    await open_quarantine_item(page)
    await page.get_by_role("button", name="See what it would do").click()
    party = page.get_by_role("table", name="The difference").get_by_role("row", name="Party")
    await expect(party.get_by_role("cell")).to_have_text(["nothing", "4"])
    await page.get_by_role("button", name="Apply it").click()
    await expect(page.locator(".facts")).to_contain_text("Applied")
    await page.get_by_role("link", name="Reservations").click()
    await page.get_by_label("Go to date").fill(PAGE_DAY)
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_an_empty_quarantine_is_shown_as_ok(open_page: OpenPage) -> None:
    page = await open_page("manager", "quarantine")
    await expect(page.locator(".note.good")).to_contain_text("Nothing waits here.")
