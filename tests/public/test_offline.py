"""The page opens without a network and shows the last list of the day, marked with its time."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.public.harness import BROWSER_TIMEOUT_MS, NOON, PageHarness

CONTROLLED = """
() => new Promise((resolve) => {
  const { serviceWorker } = navigator;
  if (serviceWorker.controller) resolve();
  else serviceWorker.addEventListener("controllerchange", () => resolve());
})
"""
STORED = "JSON.parse(localStorage.getItem('staff.lists'))"


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The page with its service worker, after one visit."""
    await harness.write_native_reservations()
    page = await harness.open_page(service_workers="allow", now=NOON)
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    await page.evaluate(CONTROLLED)
    return page


async def test_a_reload_without_network_shows_the_last_list_with_its_time(page: Page) -> None:
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()
    await expect(page.locator(".health")).to_contain_text(
        "showing the list as of 12:00 PM. Reconnecting …"
    )
    await expect(page.locator(".health")).to_have_attribute("data-level", "bad")


async def test_the_list_is_updated_when_the_network_returns(
    page: Page, harness: PageHarness
) -> None:
    await page.context.set_offline(True)
    await page.reload()
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    await page.context.set_offline(False)
    await expect(page.locator(".health")).not_to_contain_text("Offline")
    await harness.send_envelope()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible(timeout=15_000)


async def test_another_day_without_network_says_that_it_is_not_stored(page: Page) -> None:
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Next day").click()
    await expect(page.locator("main .note")).to_have_text(
        "Offline. This day is not stored on this device."
    )
    await page.get_by_role("button", name="Previous day").click()
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()


async def test_the_stored_list_is_removed_at_sign_out(page: Page) -> None:
    assert await page.evaluate(STORED)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="View as host")).to_be_visible()
    assert await page.evaluate(STORED) is None


async def test_the_stored_list_is_removed_after_twelve_hours(page: Page) -> None:
    await page.context.set_offline(True)
    await page.clock.set_fixed_time(NOON + timedelta(hours=12, minutes=1))
    await page.reload()
    await expect(page.get_by_role("main")).to_contain_text("No connection.")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_have_count(0)
    assert await page.evaluate(STORED) is None


async def test_the_stored_list_is_removed_with_the_role(page: Page) -> None:
    error = {"code": "FORBIDDEN", "message": "You have no role in this restaurant."}
    await page.route("**/api/**", lambda route: route.fulfill(status=403, json={"error": error}))
    await expect(page.locator("main")).to_contain_text("You don't have access to")
    assert await page.evaluate(STORED) is None


async def test_a_cached_reload_shows_the_list_before_any_answer(page: Page) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    slow = {
        "offline": False,
        "latency": 4 * BROWSER_TIMEOUT_MS,
        "downloadThroughput": 50_000,
        "uploadThroughput": 50_000,
    }
    await session.send("Network.emulateNetworkConditions", slow)
    await page.reload(wait_until="commit")
    await expect(page.get_by_role("link", name="Leila Fontaine")).to_be_visible()


async def test_the_manifest_makes_it_an_app(harness: PageHarness, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(harness.url)
    session = await page.context.new_cdp_session(page)
    manifest = await session.send("Page.getAppManifest")
    await page.close()
    assert manifest["errors"] == []
    assert '"display": "standalone"' in manifest["data"]
