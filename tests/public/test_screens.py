"""Every screen fits its width, passes the accessibility check and is stored as an image."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.public.harness import PAGE_DAY, PageHarness, is_unexpected
from tests.public.sample_data import ScreenData

AXE = Path(__file__).parent / "axe" / "axe.min.js"
PICTURES = Path(__file__).parents[2] / "build" / "screens"
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 1024, "height": 768}
DESKTOP = {"width": 1440, "height": 900}
DEVICES = (("desktop", DESKTOP), ("tablet", TABLET), ("phone", PHONE))
SCREENS = (
    "reservations",
    "reservation",
    "reports",
    "report",
    "quarantine",
    "quarantine-item",
    "integration",
    "staff",
)
# A desktop window magnified to 200 % and to 400 %.
ZOOMS = (("zoom-200", {"width": 720, "height": 450}), ("zoom-400", {"width": 360, "height": 225}))


def screen_address(screen: str, evening: ScreenData) -> str:
    addresses = {
        "reservations": f"reservations/{PAGE_DAY}",
        "reservation": f"reservations/{PAGE_DAY}/r/opentable-ot_2",
        "report": f"reports/{evening.report_id}",
        "quarantine-item": f"quarantine/{evening.quarantine_item}",
    }
    return addresses.get(screen, screen)


async def wait_until_loaded(page: Page, screen: str) -> None:
    """Wait until a screen shows its data."""
    await page.locator("main h1").wait_for()
    await expect(page.get_by_text("Loading …").filter(visible=True)).to_have_count(0)
    await page.locator("[data-level]").wait_for()
    if screen == "reservations":
        await page.get_by_role("row", name="Ada Lovelace").wait_for()
    if screen == "reservation":
        await page.locator(".history > li").first.wait_for()


async def open_screen(page: Page, stand: PageHarness, screen: str, evening: ScreenData) -> None:
    """Go to a screen afresh."""
    await page.goto(f"{stand.url}/#/{stand.restaurant.id}/{screen_address(screen, evening)}")
    await page.reload()
    await wait_until_loaded(page, screen)


async def accessibility_violations(page: Page) -> list[Any]:
    """Return the violations that axe finds, of any impact."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run()")
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]
    ]


async def horizontal_overflow(page: Page) -> int:
    return int(
        await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_screen_is_accessible_and_fits(
    scheme: str, harness: PageHarness, screen_data: ScreenData
) -> None:
    """Every screen in one visit, on every device and magnified: no violation, nothing cut off."""
    page = await harness.open_page(
        "manager",
        screen_address("reservations", screen_data),
        color_scheme=scheme,
        viewport=TABLET,
        bypass_csp=True,
    )
    for screen in SCREENS:
        await open_screen(page, harness, screen, screen_data)
        for device, size in (*DEVICES, *ZOOMS):
            await page.set_viewport_size(size)  # type: ignore[arg-type] # a dict is one
            picture = PICTURES / f"{screen}-{device}-{scheme}.png"
            await page.screenshot(path=picture, animations="disabled")
            assert await horizontal_overflow(page) == 0, (screen, device)
            assert await accessibility_violations(page) == [], (screen, device)
        await page.set_viewport_size(TABLET)  # type: ignore[arg-type] # a dict is one


async def test_the_sign_in_is_accessible(harness: PageHarness, browser: Browser) -> None:
    context = await browser.new_context(viewport=PHONE, bypass_csp=True)  # type: ignore[arg-type] # a dict is one
    page = await context.new_page()
    await page.goto(harness.url)
    await expect(page.get_by_role("button", name="View as host")).to_be_visible()
    await page.screenshot(path=PICTURES / "sign-in-phone-light.png")
    assert (await horizontal_overflow(page), await accessibility_violations(page)) == (0, [])
    await context.close()


async def test_no_screen_causes_a_failed_request_or_a_console_line(
    harness: PageHarness, screen_data: ScreenData
) -> None:
    page = await harness.open_page("manager", screen_address("reservations", screen_data))
    failed: list[str] = []
    page.on(
        "response",
        lambda response: (
            failed.append(response.url) if response.status >= HTTPStatus.BAD_REQUEST else None
        ),
    )
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on(
        "console",
        lambda message: failed.append(message.text) if is_unexpected(message.text) else None,
    )
    for screen in (*SCREENS, "analytics"):
        await page.goto(
            f"{harness.url}/#/{harness.restaurant.id}/{screen_address(screen, screen_data)}"
        )
        await wait_until_loaded(page, screen)
    assert failed == []
