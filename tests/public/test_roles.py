"""Who sees what: a host has no manager's screens, and the API refuses too."""

import pytest
from playwright.async_api import expect

from dev.demo_staff import DEMO_STAFF_UIDS, DEMO_TOKEN_PATH
from shared.edge import paths
from tests.public.conftest import Visit
from tests.public.stand import Stand

MANAGERS_SCREENS = ("quarantine", "integration")


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_host_is_shown_no_way_to_a_managers_screen(screen: str, visit: Visit) -> None:
    page = await visit()
    await page.get_by_role("link", name="Reports").wait_for()
    await expect(page.get_by_role("link", name=screen.title())).to_have_count(0)


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_host_who_knows_the_address_gets_the_book(screen: str, visit: Visit) -> None:
    page = await visit("host", screen)
    await expect(page.get_by_label("Go to a day")).to_be_visible()


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_the_api_refuses_a_host_too(screen: str, stand: Stand) -> None:
    token = (await stand.http.get(f"{stand.url}{DEMO_TOKEN_PATH}?role=host")).json()["token"]
    answer = await stand.http.get(
        f"{stand.url}/api/restaurants/{stand.restaurant.id}/{screen}",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ROLE_REQUIRED")


@pytest.mark.parametrize("screen", MANAGERS_SCREENS)
async def test_a_manager_is_shown_the_way(screen: str, visit: Visit) -> None:
    page = await visit("manager")
    await page.get_by_role("link", name=screen.title(), exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(screen.title())


async def test_somebody_who_is_not_on_the_staff_is_told_so(stand: Stand, visit: Visit) -> None:
    await paths.staff_member_document(
        stand.client, stand.restaurant.id, DEMO_STAFF_UIDS["host"]
    ).delete()
    page = await visit()
    await expect(page.locator("main")).to_contain_text("You are not on this restaurant's staff")


async def test_the_demos_host_becomes_its_manager(visit: Visit) -> None:
    page = await visit()
    await page.get_by_role("button", name="Become demo manager").click()
    await expect(page.get_by_role("link", name="Integration")).to_be_visible()


async def test_signing_out_leaves_the_book(visit: Visit) -> None:
    page = await visit()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="The demo host")).to_be_visible()
    await expect(page.get_by_role("link", name="Reports")).to_have_count(0)
