"""The page reports a lost server or session and never shows old data as new."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Route, expect

from tests.public.harness import PAGE_DAY, PageHarness, url_ending


async def respond_with_error(page: Page, status: int, pattern: str = "**/api/**") -> None:
    """Have the API answer with a refusal from now on."""

    async def answer(route: Route) -> None:
        error = {"code": "UNAVAILABLE", "message": "This cannot be done just now."}
        await route.fulfill(status=status, json={"error": error})

    await page.route(pattern, answer)


async def test_the_last_list_stays_with_its_age(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    noon = datetime(2026, 3, 14, 16, tzinfo=UTC)
    page = await harness.open_page(now=noon)
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    await respond_with_error(page, 503)
    await page.clock.set_fixed_time(noon + timedelta(minutes=5))
    strip = page.locator(".health")
    await expect(strip).to_contain_text("showing the list as of 12:00 PM")
    await expect(strip).to_have_attribute("data-level", "bad")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()


@pytest.mark.usefixtures("equal_sides")
async def test_an_outdated_list_is_never_shown_as_ok(page: Page) -> None:
    strip = page.locator(".health")
    await expect(strip).to_have_attribute("data-level", "good")
    await respond_with_error(page, 503, "**/reservations?*")
    await expect(strip).to_have_attribute("data-level", "bad")
    async with page.expect_response("**/health"):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(strip).to_have_attribute("data-level", "bad")


@pytest.mark.usefixtures("equal_sides")
async def test_a_connection_loss_is_announced(page: Page) -> None:
    await expect(page.locator(".health")).to_have_attribute("data-level", "good")
    await respond_with_error(page, 503)
    await expect(page.get_by_role("status")).to_contain_text("Problem: Our server can't be reached")


async def test_a_page_opened_without_the_server_loads_when_it_returns(
    harness: PageHarness, page: Page
) -> None:
    await page.get_by_text("No reservations").wait_for()
    await respond_with_error(page, 503)
    await page.evaluate("localStorage.clear()")  # The page has stored the list by now.
    await page.reload()
    await expect(page.locator("main")).to_contain_text("This cannot be done just now.")
    await page.unroute("**/api/**")
    await expect(page.get_by_label("Go to date")).to_be_visible()
    await expect(page).to_have_url(re.compile(harness.restaurant.id))


@pytest.mark.usefixtures("native_reservations")
async def test_a_member_who_is_removed_sees_nothing_more(page: Page) -> None:
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    error = {"code": "FORBIDDEN", "message": "You are not on this restaurant's staff."}
    await page.route("**/api/**", lambda route: route.fulfill(status=403, json={"error": error}))
    await expect(page.locator("main")).to_contain_text("You don't have access to")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_have_count(0)


@pytest.mark.usefixtures("native_reservations")
async def test_an_expired_session_requires_sign_in_and_shows_why(page: Page) -> None:
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    await respond_with_error(page, 401)
    await expect(page.locator("main.sign-in")).to_contain_text("Your session has ended.")
    await page.unroute("**/api/**")
    await page.get_by_role("button", name="View as host").click()
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()
    await expect(page).to_have_url(url_ending(f"reservations/{PAGE_DAY}"))
