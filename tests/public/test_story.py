"""A reservation's story: its journal as a time line."""

from playwright.async_api import expect

from tests.public.conftest import Visit
from tests.public.stand import Stand


async def test_a_story_tells_what_changed_when_and_by_which_way(stand: Stand, visit: Visit) -> None:
    await stand.hear()
    await stand.hear("updated", 5, partySize=6)
    page = await visit()
    await page.get_by_role("button", name="Ada Lovelace").click()
    last = page.locator(".story > li").last
    await expect(last.get_by_role("time")).to_have_text("Mon 9 Mar, 08:05")
    await expect(last).to_contain_text("Party: 4 → 6")
    await expect(last).to_contain_text("OpenTable, by the relay, came by webhook")


async def test_an_older_message_that_came_late_is_told_as_such(stand: Stand, visit: Visit) -> None:
    await stand.hear("updated", 5, partySize=6)
    await stand.hear("created", 0, partySize=3)
    await stand.hear("updated", 3, partySize=2)
    page = await visit()
    await page.get_by_role("button", name="Ada Lovelace").click()
    await expect(page.locator(".story")).to_contain_text("An older message came late")


async def test_an_open_story_follows_what_happens(stand: Stand, visit: Visit) -> None:
    await stand.hear()
    page = await visit()
    await page.get_by_role("button", name="Ada Lovelace").click()
    await page.locator(".story > li").first.wait_for()
    await stand.hear("updated", 5, status="seated")
    await expect(page.locator(".story > li")).to_have_count(2)
    await expect(page.get_by_role("dialog").locator(".marks")).to_contain_text("Seated")


async def test_a_story_has_an_address_of_its_own(stand: Stand, visit: Visit) -> None:
    await stand.hear()
    page = await visit(screen="story/opentable-ot_1")
    await expect(page.locator(".story")).to_contain_text("Taken into the book")


async def test_a_story_says_whose_it_is_and_leads_to_its_day(stand: Stand, visit: Visit) -> None:
    await stand.hear()
    page = await visit(screen="story/opentable-ot_1")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    await page.get_by_role("link", name="Saturday 14 March").click()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_a_story_of_nothing_says_so(visit: Visit) -> None:
    page = await visit(screen="story/opentable-unknown")
    await expect(page.locator("main")).to_contain_text("There is no reservation of this id")
