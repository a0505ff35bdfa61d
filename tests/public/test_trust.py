"""Can I trust it? The strip that is always in sight, in words."""

from datetime import UTC, datetime

from playwright.async_api import Locator, Page, Route, expect

from tests.public.conftest import Visit
from tests.public.stand import Stand


def strip(page: Page) -> Locator:
    return page.get_by_role("region", name="Can the book be trusted?")


async def test_a_check_without_differences_is_said(stand: Stand, visit: Visit) -> None:
    await stand.agree()
    page = await visit()
    await expect(strip(page)).to_contain_text("Checked just now, 1 compared, no differences")
    await expect(strip(page)).to_have_attribute("data-level", "good")


async def test_an_unchecked_book_is_not_called_good(visit: Visit) -> None:
    page = await visit()
    await expect(strip(page)).to_contain_text("Not checked yet")
    await expect(strip(page)).to_have_attribute("data-level", "watch")


async def test_a_paused_integration_is_trouble(stand: Stand, visit: Visit) -> None:
    await stand.change_settings(enabled=False)
    page = await visit()
    await expect(strip(page)).to_contain_text("Paused: OpenTable's changes do not arrive.")
    await expect(strip(page)).to_have_attribute("data-level", "bad")


async def test_the_last_error_is_said_in_words(stand: Stand, visit: Visit) -> None:
    await stand.change_settings(poll={"lastError": "OpenTable refused the credential: renew it."})
    page = await visit()
    await expect(strip(page)).to_contain_text("OpenTable refused the credential: renew it.")


async def test_webhooks_that_fell_silent_are_trouble(stand: Stand, visit: Visit) -> None:
    await stand.change_settings(poll={"deafRuns": 3, "deafSince": datetime.now(UTC)})
    page = await visit()
    await expect(strip(page)).to_contain_text("OpenTable's webhooks fell silent just now")


async def test_what_a_person_must_look_at_is_a_link_away(stand: Stand, visit: Visit) -> None:
    stand.opentable.booked(stand.restaurant.rid, 4)
    await stand.hear()
    await stand.reconcile()
    page = await visit()
    await strip(page).get_by_role("link", name="1 reservation to look at").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Report")


async def test_what_is_kept_aside_leads_a_manager_there(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit("manager")
    await strip(page).get_by_role("link", name="1 message kept aside").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Quarantine")


async def test_what_is_kept_aside_is_told_a_host_without_a_link(stand: Stand, visit: Visit) -> None:
    await stand.quarantine()
    page = await visit()
    await expect(strip(page)).to_contain_text("1 message kept aside: a manager can look")
    await expect(strip(page).get_by_role("link")).to_have_count(0)


async def test_a_lost_connection_is_said_and_its_return_too(stand: Stand, visit: Visit) -> None:
    await stand.agree()
    page = await visit()
    await expect(strip(page)).to_contain_text("Checked just now")

    async def lose(route: Route) -> None:
        await route.abort()

    await page.route("**/api/**", lose)
    await expect(strip(page)).to_contain_text("Not up to date. No connection.")
    await page.unroute("**/api/**")
    await expect(strip(page)).to_contain_text("Checked just now", timeout=12_000)


async def test_the_strip_stays_in_sight(stand: Stand, visit: Visit) -> None:
    await stand.take_own()
    page = await visit(viewport={"width": 390, "height": 500})
    await page.get_by_role("button", name="Leila Fontaine").scroll_into_view_if_needed()
    await expect(strip(page)).to_be_in_viewport(ratio=1)
