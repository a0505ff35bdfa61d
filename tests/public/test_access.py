"""Whoever uses the page: by finger, by keyboard, enlarged, without motion, by ear."""

import itertools
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.public.conftest import Visit
from tests.public.evening import Evening, play
from tests.public.stand import Stand
from tests.public.test_screens import PHONE, SCREENS, address, overflow, settled

# What is pressed, but for links within text and names, whose whole row can be pressed.
SMALL = """
() => [...document.querySelectorAll(
    "button, select, summary, input:not([type=radio], [type=checkbox]), label.check, .chip, nav a"
  )]
  .filter((each) => each.checkVisibility() && !each.closest("tr"))
  .map((each) => [each.textContent || each.name || each.ariaLabel, each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.9)
  .map(([text, box]) => `${text}: ${box.height}`)
"""
ROW_HEIGHTS = """
() => [...document.querySelectorAll(".rows tbody tr")]
  .filter((row) => row.checkVisibility())
  .map((row) => row.offsetHeight)
"""


@pytest.fixture
async def evening(stand: Stand) -> Evening:
    return await play(stand)


async def go(page: Page, stand: Stand, screen: str, evening: Evening) -> None:
    """Go to a screen afresh."""
    await page.goto(f"{stand.url}/#/{stand.restaurant.id}/{address(screen, evening)}")
    await page.reload()
    await settled(page, screen)


async def test_everything_that_is_pressed_is_a_fingertip_high(
    stand: Stand, evening: Evening, visit: Visit
) -> None:
    page = await visit("manager", address("book", evening), viewport=PHONE)
    found: dict[str, Any] = {}
    for screen in (*SCREENS, "patterns"):
        await go(page, stand, screen, evening)
        found |= {screen: small} if (small := await page.evaluate(SMALL)) else {}
    assert found == {}


async def test_every_row_of_the_book_is_a_fingertip_high(evening: Evening, visit: Visit) -> None:
    page = await visit("host", address("book", evening), viewport=PHONE)
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    assert min(await page.evaluate(ROW_HEIGHTS)) >= 44


@pytest.mark.parametrize("width", [512, 320], ids=["a tablet at 200 %", "the narrowest phone"])
async def test_enlarged_every_screen_fits(
    width: int, stand: Stand, evening: Evening, visit: Visit
) -> None:
    size = {"width": width, "height": 384}
    page = await visit("manager", address("book", evening), viewport=size)
    for screen in (*SCREENS, "patterns"):
        await go(page, stand, screen, evening)
        assert await overflow(page) == 0, screen


async def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit: Visit) -> None:
    page = await visit()
    # Afresh: where the sign-in's button was pressed, the keyboard goes on from there.
    await page.reload()
    await page.get_by_label("Go to a day").wait_for()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_the_keyboards_way_is_the_eyes_way(stand: Stand, visit: Visit) -> None:
    await stand.take_own()
    page = await visit()
    await page.get_by_role("button", name="Leila Fontaine").wait_for()
    stops = []
    for _ in range(14):
        await page.keyboard.press("Tab")
        stops.append(await page.evaluate("document.activeElement.getBoundingClientRect().top"))
    # What stands in one line may differ by a few pixels; the way itself only leads down.
    assert all(later > earlier - 10 for earlier, later in itertools.pairwise(stops)), stops


async def test_closing_a_sheet_gives_the_focus_back(stand: Stand, visit: Visit) -> None:
    await stand.take_own()
    page = await visit()
    name = page.get_by_role("button", name="Leila Fontaine")
    await name.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(name).to_be_focused()


async def test_a_question_gives_the_focus_back(visit: Visit) -> None:
    page = await visit("manager", "integration")
    pause = page.get_by_role("button", name="Pause …")
    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Keep it running")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(pause).to_be_focused()


async def test_without_motion_what_changed_still_stands_out(stand: Stand, visit: Visit) -> None:
    await stand.hear()
    page = await visit(reduced_motion="reduce")
    await page.get_by_role("row", name="Ada Lovelace").wait_for()
    await stand.hear("updated", 1, partySize=6)
    row = page.locator("tr.changed")
    await expect(row).to_have_css("animation-timing-function", "steps(1)")
    await expect(row).to_have_css("animation-name", "changed")


async def test_what_is_said_aloud_is_listened_to_from_the_start(visit: Visit) -> None:
    page = await visit()
    await page.get_by_label("Go to a day").wait_for()
    # Out of the page while empty, it would not be heard when it is filled.
    assert await page.locator("#news").evaluate("news => getComputedStyle(news).display") != "none"
    await expect(page.locator("#news")).to_have_attribute("aria-live", "polite")


async def test_the_page_has_a_language_and_each_screen_a_title(visit: Visit) -> None:
    page = await visit("manager")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page).to_have_title("The book")
    await page.get_by_role("link", name="Integration").click()
    await expect(page).to_have_title("Integration")
    await expect(page.locator("main")).to_be_focused()
