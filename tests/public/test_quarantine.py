"""Managers list, preview, replay and dismiss quarantined events."""

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PAGE_DAY, PageHarness


async def open_quarantine_item(page: Page) -> None:
    """Open the only item."""
    await page.get_by_role("row").nth(1).get_by_role("link").click()
    await page.get_by_role("heading", name="Failed update", exact=True).wait_for()


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """A quarantined update as a manager sees it."""
    await harness.send_invalid_envelope()
    page = await harness.open_page("manager", "quarantine")
    await open_quarantine_item(page)
    return page


async def test_an_item_shows_its_quarantine_reason(harness: PageHarness) -> None:
    await harness.send_invalid_envelope()
    page = await harness.open_page("manager", "quarantine")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("Party size")


async def test_personal_data_is_masked_until_requested(page: Page) -> None:
    body = page.get_by_label("The update")
    await expect(body).to_contain_text('"dinerName": "•••"')
    await page.get_by_role("button", name="Show personal details").click()
    await expect(body).to_contain_text('"dinerName": "Ada Lovelace"')


async def test_who_viewed_personal_details_is_shown(page: Page) -> None:
    await page.get_by_role("button", name="Show personal details").click()
    await expect(page.get_by_label("The update")).to_contain_text("Ada Lovelace")
    await page.reload()
    await expect(page.get_by_text("Who viewed personal details")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("Mara Manager")


async def test_a_preview_masks_personal_details(harness: PageHarness) -> None:
    await quarantine_by_time_zone(harness)
    page = await harness.open_page("manager", "quarantine")
    await open_quarantine_item(page)
    await page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("table", name="What applying it changes")
    await expect(preview.get_by_role("row", name="Name")).to_contain_text("•••")
    await expect(page.locator("main")).not_to_contain_text("Ada Lovelace")


async def test_a_message_that_still_cannot_be_applied_shows_why(page: Page) -> None:
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".note.bad")).to_contain_text("The event still cannot be applied")


async def test_a_message_is_dismissed_with_a_reason(page: Page) -> None:
    await page.get_by_label("Reason for dismissing").fill("A test of the relay")
    await page.get_by_role("button", name="Dismiss").click()
    facts = page.locator(".facts")
    await expect(facts).to_contain_text("Dismissed")
    await expect(facts).to_contain_text("A test of the relay")
    await expect(facts).to_contain_text("Mara Manager")


async def test_all_updates_with_one_problem_are_applied_after_a_preview(
    harness: PageHarness,
) -> None:
    await quarantine_by_time_zone(harness, 1, 2, 3)
    page = await harness.open_page("manager", "quarantine")
    await page.get_by_role("button", name="Preview all").click()
    await expect(page.get_by_text("3 open: 3 can be applied, 0 still can't.")).to_be_visible()
    await page.get_by_role("button", name="Apply 3 updates").click()
    await expect(page.get_by_text("3 updates applied.")).to_be_visible()
    await expect(page.get_by_role("row", name="Applied")).to_have_count(3)


async def test_all_updates_with_one_problem_are_dismissed_with_a_reason(
    harness: PageHarness,
) -> None:
    await quarantine_by_time_zone(harness, 1, 2)
    page = await harness.open_page("manager", "quarantine")
    await page.get_by_role("button", name="Dismiss all").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason for dismissing").fill("A test")
    await dialog.get_by_role("button", name="Dismiss 2 updates").click()
    await expect(page.get_by_role("row", name="Dismissed")).to_have_count(2)


async def quarantine_by_time_zone(harness: PageHarness, *minutes: int) -> None:
    """Send envelopes while the time zone is unusable, then correct it."""
    await harness.change_settings(timeZone="Mars/Olympus")
    for minute in minutes or (0,):
        answer = await harness.sender.send(harness.sender.envelope("created", minute))
        assert answer.status_code == 202
    await harness.change_settings(timeZone="America/New_York")


async def test_a_message_is_applied_after_its_cause_is_fixed(harness: PageHarness) -> None:
    await harness.change_settings(timeZone="Mars/Olympus")
    answer = await harness.sender.send(harness.sender.envelope())
    assert answer.status_code == 202
    page = await harness.open_page("manager", "integration")
    await page.get_by_label("Time zone").fill("America/New_York")
    async with page.expect_response(lambda response: response.request.method == "PUT"):
        await page.get_by_role("button", name="Save settings").click()
    await page.get_by_role("link", name="1 update couldn't be applied").click()
    await open_quarantine_item(page)
    await page.get_by_role("button", name="Preview").click()
    party = page.get_by_role("table", name="What applying it changes").get_by_role(
        "row", name="Party"
    )
    await expect(party.get_by_role("cell")).to_have_text(["nothing", "4"])
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".facts")).to_contain_text("Applied")
    await page.get_by_role("link", name="Reservations").click()
    await page.get_by_label("Go to date").fill(PAGE_DAY)
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()


async def test_an_empty_quarantine_is_shown_as_ok(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "quarantine")
    await expect(page.locator(".note.good")).to_contain_text("Nothing to do.")
