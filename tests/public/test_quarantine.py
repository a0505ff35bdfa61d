"""The quarantine, for managers: look, try, apply, dismiss."""

from playwright.async_api import Page, expect

from tests.public.conftest import Visit
from tests.public.stand import DAY, Stand


async def kept(page: Page) -> None:
    """Open the only item."""
    await page.get_by_role("row").nth(1).get_by_role("link").click()
    await page.get_by_role("heading", name="Kept aside").wait_for()


async def test_an_item_says_why_it_was_kept_aside(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit("manager", "quarantine")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("partySize must be")


async def test_personal_details_are_masked_until_asked_for(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit("manager", "quarantine")
    await kept(page)
    body = page.get_by_label("The message")
    await expect(body).to_contain_text('"dinerName": "•••"')
    await page.get_by_role("button", name="Show personal details").click()
    await expect(body).to_contain_text('"dinerName": "Ada Lovelace"')


async def test_a_message_that_still_cannot_be_applied_says_why(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit("manager", "quarantine")
    await kept(page)
    await page.get_by_role("button", name="See what it would do").click()
    await expect(page.locator(".note.bad")).to_contain_text("It still cannot be applied")


async def test_a_message_is_dismissed_with_a_reason(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit("manager", "quarantine")
    await kept(page)
    await page.get_by_label("Dismiss it, because").fill("A test of the relay")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.locator(".facts")).to_contain_text("Dismissed")


async def test_a_message_is_applied_once_its_cause_is_mended(stand: Stand, visit: Visit) -> None:
    await stand.change_settings(timeZone="Mars/Olympus")
    answer = await stand.sender.send(stand.sender.envelope())
    assert answer.status_code == 202
    page = await visit("manager", "integration")
    await page.get_by_label("Time zone").fill("America/New_York")
    await page.get_by_role("button", name="Save the settings").click()
    await page.get_by_role("link", name="1 message kept aside").click()
    await kept(page)
    await page.get_by_role("button", name="See what it would do").click()
    party = page.get_by_role("table", name="The difference").get_by_role("row", name="Party")
    await expect(party.get_by_role("cell")).to_have_text(["nothing", "4"])
    await page.get_by_role("button", name="Apply it").click()
    await expect(page.locator(".facts")).to_contain_text("Applied")
    await page.get_by_role("link", name="The book").click()
    await page.get_by_label("Go to a day").fill(DAY)
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_an_empty_quarantine_is_good_news(visit: Visit) -> None:
    page = await visit("manager", "quarantine")
    await expect(page.locator(".note.good")).to_contain_text("Nothing waits here.")
