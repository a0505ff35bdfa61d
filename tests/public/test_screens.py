"""Every screen: fits its width, is sound to assistive technology, and is there to be looked at."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.public.conftest import Visit
from tests.public.evening import Evening, play
from tests.public.stand import DAY, Stand

AXE = Path(__file__).parent / "axe" / "axe.min.js"
PICTURES = Path(__file__).parents[2] / "build" / "screens"
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 1024, "height": 768}
DESKTOP = {"width": 1440, "height": 900}
DEVICES = (("desktop", DESKTOP), ("tablet", TABLET), ("phone", PHONE))
SCREENS = ("book", "sheet", "story", "reports", "report", "quarantine", "kept", "integration")
SERIOUS = {"serious", "critical"}


@pytest.fixture
async def evening(stand: Stand) -> Evening:
    return await play(stand)


def address(screen: str, evening: Evening) -> str:
    items = {"report": evening.report, "kept": evening.kept, "story": "opentable-ot_2"}
    if screen in {"book", "sheet"}:
        return f"book/{DAY}"
    return f"{screen}/{items[screen]}" if screen in items else screen


async def settled(page: Page, screen: str) -> None:
    """Wait until a screen shows what it has read."""
    await page.locator("main h1").wait_for()
    await expect(page.get_by_text("Reading …").filter(visible=True)).to_have_count(0)
    await page.locator("[data-level]").wait_for()
    if screen in {"book", "sheet"}:
        await page.get_by_role("row", name="Ada Lovelace").wait_for()
    if screen == "sheet":
        await page.get_by_role("button", name="Kofi Mensah").click()
        await page.locator(".story > li").first.wait_for()


async def findings(page: Page) -> list[Any]:
    """Return what axe finds that is serious."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run()")
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


async def overflow(page: Page) -> int:
    return int(
        await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_screen_is_sound_and_fits(
    scheme: str, stand: Stand, evening: Evening, visit: Visit
) -> None:
    """Every screen in one visit, on a tablet and on a phone: nothing serious, nothing cut off."""
    page = await visit(
        "manager", address("book", evening), color_scheme=scheme, viewport=TABLET, bypass_csp=True
    )
    for screen in SCREENS:
        await page.goto(f"{stand.url}/#/{stand.restaurant.id}/{address(screen, evening)}")
        await page.reload()
        await settled(page, screen)
        for device, size in DEVICES:
            await page.set_viewport_size(size)  # type: ignore[arg-type] # a dict is one
            picture = PICTURES / f"{screen}-{device}-{scheme}.png"
            await page.screenshot(path=picture, animations="disabled")
            assert await overflow(page) == 0, (screen, device)
            assert await findings(page) == [], (screen, device)
        await page.set_viewport_size(TABLET)  # type: ignore[arg-type] # a dict is one


async def test_the_sign_in_is_sound(stand: Stand, browser: Browser) -> None:
    context = await browser.new_context(viewport=PHONE, bypass_csp=True)  # type: ignore[arg-type] # a dict is one
    page = await context.new_page()
    await page.goto(stand.url)
    await expect(page.get_by_role("button", name="The demo host")).to_be_visible()
    await page.screenshot(path=PICTURES / "sign-in-phone-light.png")
    assert (await overflow(page), await findings(page)) == (0, [])
    await context.close()
