"""Reservations that OpenTable does not know: a manager keeps or removes them, with a reason."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.public.harness import PAGE_DAY, PageHarness

ADDRESS = f"reservations/{PAGE_DAY}/r/opentable-ot_1"


async def open_missing_reservation(harness: PageHarness, role: str = "manager") -> Page:
    await harness.create_divergence()
    page = await harness.open_page(role, ADDRESS)
    await expect(page.get_by_role("dialog")).to_contain_text(
        "OpenTable doesn't have this reservation."
    )
    return page


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The missing reservation as a manager sees it."""
    return await open_missing_reservation(harness)


def sheet(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Ada Lovelace", exact=True)


async def decide_on_page(page: Page, choice: str, confirm: str) -> None:
    await page.get_by_role("button", name=choice).click()
    await page.get_by_label("Reason").fill("Guest confirmed by phone")
    await page.get_by_role("button", name=confirm, exact=True).click()


async def test_a_removed_reservation_is_folded_and_not_counted(page: Page) -> None:
    await decide_on_page(page, "Remove from the list …", "Remove")
    await expect(sheet(page)).to_contain_text("A manager removed it from the list")
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("Removed from the list (1)")).to_be_visible()
    # The other one is OpenTable's.
    await expect(page.locator(".total")).to_have_text("4 covers in 1 reservation")


async def test_a_kept_reservation_has_no_mark(page: Page) -> None:
    await decide_on_page(page, "Keep in the list …", "Keep")
    await expect(sheet(page)).to_contain_text("Guest confirmed by phone")
    await expect(page.locator(".history")).to_contain_text("Kept in the list")
    await page.get_by_role("button", name="Close").click()
    row = page.get_by_role("row", name="Ada Lovelace")
    await expect(row).not_to_contain_text("Not found at OpenTable")


async def test_a_decision_needs_a_reason(page: Page) -> None:
    await page.get_by_role("button", name="Keep in the list …").click()
    await page.get_by_role("button", name="Keep", exact=True).click()
    await expect(page.get_by_role("dialog", name="Keep Ada Lovelace in the list?")).to_be_visible()


async def test_a_host_asks_a_manager(harness: PageHarness) -> None:
    page = await open_missing_reservation(harness, "host")
    await expect(page.get_by_role("dialog")).to_contain_text("Ask a manager")
    await expect(page.get_by_role("button", name="Keep in the list …")).to_have_count(0)
