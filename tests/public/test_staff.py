"""Managers see, add and remove the staff of a restaurant on the page."""

import uuid

import pytest
from playwright.async_api import Page, expect

from shared.firestore import paths
from tests.public.harness import PageHarness


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The staff as a manager sees it."""
    return await harness.open_page("manager", "staff")


async def test_a_manager_sees_the_staff_by_name_and_role(page: Page) -> None:
    row = page.get_by_role("row", name="Hanna Host")
    await expect(row.get_by_role("cell", name="Host", exact=True)).to_be_visible()
    await expect(page.get_by_role("row", name="Mara Manager")).to_contain_text("Manager")


async def test_an_added_person_is_listed_as_invited_and_the_change_is_named(
    harness: PageHarness,
) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    page = await harness.open_page("manager", "staff")
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("radio", name="Manager").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name=email)
    await expect(row).to_contain_text("Manager")
    await expect(row).to_contain_text("Invited")
    await expect(page.locator("main")).to_contain_text(f"{email} was added as manager")
    await expect(page.locator("main")).to_contain_text("by Mara Manager")


async def test_a_removed_person_is_no_longer_listed_or_staff(
    harness: PageHarness, page: Page
) -> None:
    await page.get_by_role("button", name="Remove Hanna Host").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    await expect(page.get_by_role("row", name="Hanna Host")).to_have_count(0)
    member = paths.staff_member_document(harness.client, harness.restaurant.id, "demo-host")
    assert not (await member.get()).exists


async def test_the_last_manager_cannot_be_removed(page: Page) -> None:
    await page.get_by_role("button", name="Remove Mara Manager").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("This is the last manager.")
