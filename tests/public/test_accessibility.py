"""The page works by touch, keyboard, magnification, reduced motion and screen reader."""

import itertools
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PageHarness
from tests.public.sample_data import ScreenData
from tests.public.test_screens import (
    PHONE,
    SCREENS,
    horizontal_overflow,
    open_screen,
    screen_address,
)

# Touch targets, except links within text and names with a pressable row.
SMALL = """
() => [...document.querySelectorAll(
    "button, select, summary, input:not([type=radio], [type=checkbox]), label.check, .chip, nav a"
  )]
  .filter((each) => each.checkVisibility() && !each.closest("tr, .health"))
  .map((each) => [each.textContent || each.name || each.ariaLabel, each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.9)
  .map(([text, box]) => `${text}: ${box.height}`)
"""
ROW_HEIGHTS = """
() => [...document.querySelectorAll(".rows tr[data-id]")]
  .filter((row) => row.checkVisibility())
  .map((row) => row.offsetHeight)
"""


async def test_every_control_has_the_minimum_touch_height(
    harness: PageHarness, screen_data: ScreenData
) -> None:
    page = await harness.open_page(
        "manager", screen_address("reservations", screen_data), viewport=PHONE
    )
    found: dict[str, Any] = {}
    for screen in (*SCREENS, "analytics"):
        await open_screen(page, harness, screen, screen_data)
        found |= {screen: small} if (small := await page.evaluate(SMALL)) else {}
    assert found == {}


async def test_every_reservation_row_has_the_minimum_touch_height(
    screen_data: ScreenData, harness: PageHarness
) -> None:
    page = await harness.open_page(
        "host", screen_address("reservations", screen_data), viewport=PHONE
    )
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    assert min(await page.evaluate(ROW_HEIGHTS)) >= 44


@pytest.mark.parametrize("width", [512, 320], ids=["a tablet at 200 %", "the narrowest phone"])
async def test_enlarged_every_screen_fits(
    width: int, harness: PageHarness, screen_data: ScreenData
) -> None:
    size = {"width": width, "height": 384}
    page = await harness.open_page(
        "manager", screen_address("reservations", screen_data), viewport=size
    )
    for screen in (*SCREENS, "analytics"):
        await open_screen(page, harness, screen, screen_data)
        assert await horizontal_overflow(page) == 0, screen


async def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page) -> None:
    await page.get_by_label("Go to date").wait_for()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


@pytest.mark.usefixtures("native_reservations")
async def test_the_focus_order_equals_the_visual_order(page: Page) -> None:
    await page.get_by_role("link", name="Leila Fontaine").wait_for()
    stops = []
    for _ in range(14):
        await page.keyboard.press("Tab")
        stops.append(await page.evaluate("document.activeElement.getBoundingClientRect().top"))
    # Elements of one line may differ by a few pixels.
    assert all(later > earlier - 10 for earlier, later in itertools.pairwise(stops)), stops


@pytest.mark.usefixtures("native_reservations")
async def test_closing_the_reservation_dialog_restores_the_focus(page: Page) -> None:
    name = page.get_by_role("link", name="Leila Fontaine")
    await name.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(name).to_be_focused()


async def test_closing_a_confirmation_restores_the_focus(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "integration")
    pause = page.get_by_role("button", name="Pause …")
    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Go back")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(pause).to_be_focused()


async def test_without_motion_what_changed_still_stands_out(harness: PageHarness) -> None:
    await harness.send_envelope()
    page = await harness.open_page(reduced_motion="reduce")
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    await harness.send_envelope("updated", 1, partySize=6)
    row = page.locator("tr.changed")
    await expect(row).to_have_css("animation-timing-function", "steps(1)")
    await expect(row).to_have_css("animation-name", "changed")


async def test_live_regions_exist_from_the_start(page: Page) -> None:
    await page.get_by_label("Go to date").wait_for()
    # A live region outside the page while empty would not be announced.
    assert (
        await page.locator("#announcements").evaluate("news => getComputedStyle(news).display")
        != "none"
    )
    await expect(page.locator("#announcements")).to_have_attribute("aria-live", "polite")


async def test_the_page_has_a_language_and_each_screen_a_title(harness: PageHarness) -> None:
    page = await harness.open_page("manager")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page).to_have_title(re.compile(r"Sat, Mar 14(, 2026)? · Reservations · "))
    await page.get_by_role("link", name="OpenTable connection").click()
    await expect(page).to_have_title(re.compile(r"OpenTable connection · "))
    await expect(page.locator("main")).to_be_focused()
