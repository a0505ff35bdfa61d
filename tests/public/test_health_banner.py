"""The banner describes the ledger's health."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.public.harness import PageHarness

REFUSED = "OpenTable refused the credential: renew it."


def health_banner(page: Page) -> Locator:
    return page.get_by_role("region", name="Status of the list")


@pytest.mark.usefixtures("equal_sides")
async def test_a_check_without_differences_is_shown(page: Page) -> None:
    await expect(health_banner(page)).to_contain_text(re.compile(r"Checked .+ · nothing to update"))
    await expect(health_banner(page)).to_have_attribute("data-level", "good")


async def test_unchecked_reservations_are_not_shown_as_ok(page: Page) -> None:
    await expect(health_banner(page)).to_contain_text("Not checked yet")
    await expect(health_banner(page)).to_have_attribute("data-level", "watch")


@pytest.mark.parametrize(
    "settings, problem",
    [
        ({"enabled": False}, "OpenTable sync is paused"),
        ({"poll": {"lastError": REFUSED}}, REFUSED),
        (
            {"poll": {"missedRuns": 3, "missedSince": datetime.now(UTC)}},
            "Live updates from OpenTable stopped at",
        ),
    ],
    ids=["paused", "last error of a poll", "no webhooks"],
)
async def test_a_problem_is_shown(
    settings: dict[str, Any], problem: str, harness: PageHarness
) -> None:
    await harness.change_settings(**settings)
    page = await harness.open_page()
    await expect(health_banner(page)).to_contain_text(problem)
    await expect(health_banner(page)).to_have_attribute("data-level", "bad")


async def test_divergences_are_linked(harness: PageHarness) -> None:
    await harness.create_divergence()
    page = await harness.open_page()
    await health_banner(page).get_by_role("link", name="1 reservation needs review").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Report")


async def test_a_list_with_open_reviews_is_not_called_in_sync(harness: PageHarness) -> None:
    await harness.create_divergence()
    page = await harness.open_page()
    await expect(health_banner(page)).to_contain_text(re.compile(r"Checked .+ · 1 reservation up"))
    await expect(health_banner(page)).not_to_contain_text("In sync")


async def test_a_manager_sees_a_link_to_the_quarantine(harness: PageHarness) -> None:
    await harness.send_invalid_envelope()
    page = await harness.open_page("manager")
    await health_banner(page).get_by_role("link", name="1 update couldn't be applied").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Failed updates")


async def test_a_host_sees_the_quarantine_count_without_a_link(harness: PageHarness) -> None:
    await harness.send_invalid_envelope()
    page = await harness.open_page()
    await expect(health_banner(page)).to_contain_text(
        "1 update couldn't be applied · ask a manager"
    )
    await expect(health_banner(page).get_by_role("link")).to_have_count(0)


@pytest.mark.usefixtures("equal_sides")
async def test_connection_loss_and_recovery_are_announced(page: Page) -> None:
    await expect(health_banner(page)).to_contain_text("nothing to update")

    async def lose(route: Route) -> None:
        await route.abort()

    await page.route("**/api/**", lose)
    await expect(health_banner(page)).to_contain_text("Offline")
    await page.unroute("**/api/**")
    await expect(health_banner(page)).to_contain_text("nothing to update")


async def test_the_health_banner_stays_visible(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(viewport={"width": 390, "height": 500})
    await page.get_by_role("link", name="Leila Fontaine").scroll_into_view_if_needed()
    await expect(health_banner(page)).to_be_in_viewport(ratio=1)
