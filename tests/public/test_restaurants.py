"""Staff of several restaurants see them on one page and switch between them."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from shared.firestore import paths
from tests.public.harness import PageHarness, url_ending
from tests.support.restaurants import new_restaurant, seed

OTHER_NAME = "Trattoria Example"


@pytest.fixture
async def other_restaurant_id(harness: PageHarness) -> AsyncIterator[str]:
    """A second restaurant of the demo's manager, whose polls fail."""
    other = new_restaurant()
    await seed(harness.client, other, name=OTHER_NAME, poll={"consecutiveFailures": 3})
    member = paths.staff_member_document(harness.client, other.id, "demo-manager")
    await member.set({"role": "manager", "uid": "demo-manager"})
    yield other.id
    await member.delete()


async def open_overview(harness: PageHarness) -> Page:
    page = await harness.open_page("manager")
    await page.get_by_label("Restaurant", exact=True).select_option("All restaurants")
    await page.get_by_role("heading", name="Restaurants").wait_for()
    return page


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The overview of all restaurants as their manager sees it."""
    return await open_overview(harness)


async def test_the_overview_lists_every_restaurant_and_the_worst_first(
    harness: PageHarness, other_restaurant_id: str
) -> None:
    await harness.make_both_sides_equal()
    page = await open_overview(harness)
    await expect(page.get_by_role("row", name=OTHER_NAME)).to_contain_text("can't reach OpenTable")
    names = await page.get_by_role("rowheader").all_inner_texts()
    assert names.index(OTHER_NAME) < names.index(harness.restaurant.id)
    assert other_restaurant_id not in names


@pytest.mark.usefixtures("other_restaurant_id")
async def test_an_open_review_is_named_and_needs_attention(harness: PageHarness) -> None:
    await harness.make_both_sides_equal()
    await harness.send_invalid_envelope()
    page = await open_overview(harness)
    row = page.get_by_role("row", name=harness.restaurant.id)
    await expect(row).to_contain_text("1 update couldn't be applied")
    await expect(row).not_to_contain_text("In sync")
    await expect(page.locator("main")).to_contain_text("2 restaurants · 2 need attention")


@pytest.mark.usefixtures("other_restaurant_id")
async def test_the_overview_requests_the_restaurants_once(page: Page) -> None:
    link = page.get_by_role("link", name=OTHER_NAME)
    await expect(link).to_be_visible()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(urlsplit(request.url).path))
    await page.reload()
    await expect(link).to_be_visible()
    assert requests.count("/api/restaurants") == 1


async def test_a_restaurant_with_open_reviews_needs_review(
    harness: PageHarness, other_restaurant_id: str
) -> None:
    settings = paths.integration_document(harness.client, other_restaurant_id)
    fields = {"poll.consecutiveFailures": 0, "reconciliation": {"openDivergences": 2}}
    await settings.update(fields)
    page = await open_overview(harness)
    row = page.get_by_role("row", name=OTHER_NAME)
    await expect(row).to_contain_text("Needs review")
    await expect(row).to_contain_text("2 reservations need review")


async def test_a_restaurant_opens_from_the_overview(other_restaurant_id: str, page: Page) -> None:
    await page.get_by_role("link", name=OTHER_NAME).click()
    await page.get_by_label("Go to date").wait_for()
    await expect(page).to_have_url(re.compile(f"#/{other_restaurant_id}/reservations"))
    await expect(page).to_have_title(re.compile(f"Reservations · {OTHER_NAME}$"))


async def test_the_switcher_opens_the_same_screen_of_another_restaurant(
    harness: PageHarness, other_restaurant_id: str
) -> None:
    page = await harness.open_page("manager", "reports")
    await page.get_by_label("Restaurant", exact=True).select_option(OTHER_NAME)
    await expect(page).to_have_title(f"Reports · {OTHER_NAME}")
    await expect(page).to_have_url(url_ending(f"#/{other_restaurant_id}/reports"))


@pytest.mark.usefixtures("other_restaurant_id")
async def test_a_person_without_access_is_led_to_the_other_restaurants(
    harness: PageHarness,
) -> None:
    client, restaurant_id = harness.client, harness.restaurant.id
    await paths.staff_member_document(client, restaurant_id, "demo-manager").delete()
    page = await harness.open_page("manager")
    await expect(page.locator("main")).to_contain_text(
        f"You don't have access to {restaurant_id}. Ask your administrator."
    )
    await page.get_by_role("link", name="All restaurants").click()
    await expect(page.get_by_role("link", name=OTHER_NAME)).to_be_visible()
