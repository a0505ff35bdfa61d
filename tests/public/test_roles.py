"""A host sees no manager's screen, and the API rejects the calls too."""

import pytest
from playwright.async_api import Page, expect

from dev.local.demo_staff import DEMO_STAFF_UIDS, DEMO_TOKEN_PATH
from shared.firestore import paths
from tests.public.harness import PageHarness

MANAGERS_SCREENS = {"quarantine": "Failed updates", "integration": "OpenTable connection"}


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_host_sees_no_link_to_manager_screens(screen: str, page: Page) -> None:
    await page.get_by_role("link", name="Reports").wait_for()
    await expect(page.get_by_role("link", name=MANAGERS_SCREENS[screen])).to_have_count(0)


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_host_with_a_manager_url_gets_a_message_and_a_way_on(
    screen: str, harness: PageHarness
) -> None:
    page = await harness.open_page("host", screen)
    await expect(page.locator("main")).to_contain_text("Only managers can open this page.")
    await page.get_by_role("link", name="Go to today's reservations").click()
    await expect(page.get_by_label("Go to date")).to_be_visible()


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_the_api_refuses_a_host_too(screen: str, harness: PageHarness) -> None:
    token = (await harness.http.get(f"{harness.url}{DEMO_TOKEN_PATH}?role=host")).json()["token"]
    answer = await harness.http.get(
        f"{harness.url}/api/restaurants/{harness.restaurant.id}/{screen}",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ROLE_REQUIRED")


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_manager_sees_the_links(screen: str, harness: PageHarness) -> None:
    page = await harness.open_page("manager")
    await page.get_by_role("link", name=MANAGERS_SCREENS[screen]).click()
    await expect(page.get_by_role("link", name=MANAGERS_SCREENS[screen])).to_have_attribute(
        "aria-current", "page"
    )


async def test_a_user_who_is_not_staff_sees_only_a_message(harness: PageHarness) -> None:
    await paths.staff_member_document(
        harness.client, harness.restaurant.id, DEMO_STAFF_UIDS["host"]
    ).delete()
    page = await harness.open_page()
    await expect(page.locator("main")).to_contain_text("You don't have access to")
    await expect(page.get_by_role("navigation")).to_have_count(0)


async def test_the_demos_host_becomes_its_manager(page: Page) -> None:
    await page.get_by_role("button", name="View as manager").click()
    await expect(page.get_by_role("link", name="OpenTable connection")).to_be_visible()


async def test_signing_out_closes_the_reservations(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="View as host")).to_be_visible()
    await expect(page.get_by_role("link", name="Reports")).to_have_count(0)


async def test_a_page_with_a_simulated_clock_says_so(harness: PageHarness, page: Page) -> None:
    await expect(page.get_by_role("link", name="Reports")).to_be_visible()
    await expect(page.locator(".demo")).to_have_count(0)
    demo = {"local": {"restaurantId": harness.restaurant.id, "simulatedClock": True}}
    await page.route("**/__/firebase/init.json", lambda route: route.fulfill(json=demo))
    await page.reload()
    await expect(page.locator(".demo")).to_contain_text("passes faster than the clock")
