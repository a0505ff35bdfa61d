"""Patterns: to be seen at a glance, to be heard, to be downloaded, and never made up."""

import csv
import re
from datetime import date
from typing import Any

import pytest
from playwright.async_api import Page, expect

from shared.core.window import DateWindow
from tests.public.busy_month import MONTH, SPAN, count
from tests.public.conftest import Visit
from tests.public.stand import Stand
from tests.public.test_screens import PHONE, PICTURES, TABLET, findings, overflow

CHARTS = 4
COLOUR = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].backgroundColor"


@pytest.fixture
async def counted(stand: Stand) -> Stand:
    await count(stand)
    return stand


async def painted(page: Page) -> None:
    """Wait until every chart is there."""
    # Chart.js gives a canvas its style once it draws on it.
    await expect(page.locator("canvas[style]")).to_have_count(CHARTS)


async def key(page: Page, name: str) -> str:
    """Return a key figure."""
    found = page.locator(".keys > div").filter(has_text=name)
    return await found.locator("strong").inner_text()


async def told(page: Page) -> Any:
    """Return what the API tells of the month, asked as the page asks."""
    await painted(page)  # so that the answer is the reloaded page's
    async with page.expect_response(lambda reply: "analytics" in reply.url) as answer:
        await page.reload()
    return await (await answer.value).json()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("counted")
async def test_the_screen_is_sound_and_fits(scheme: str, visit: Visit) -> None:
    for device, size in (("tablet", TABLET), ("phone", PHONE)):
        page = await visit(
            "manager", f"patterns/{SPAN}", color_scheme=scheme, viewport=size, bypass_csp=True
        )
        await painted(page)
        picture = PICTURES / f"patterns-{device}-{scheme}.png"
        await page.screenshot(path=picture, animations="disabled", full_page=True)
        assert await overflow(page) == 0, device
        assert await findings(page) == [], device


@pytest.mark.usefixtures("counted")
async def test_figures_and_tables_say_what_the_api_says(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}")
    body = await told(page)
    await painted(page)
    assert await key(page, "Covers") == f"{body['total']['covers']:,}"
    assert await key(page, "Walk-ins") == str(body["total"]["walkIns"])
    assert await key(page, "Cancelled") == f"{body['total']['cancellationRate']:.1%}"
    table = page.get_by_role("region", name="Party sizes")
    twos = next(each for each in body["total"]["partySizes"] if each["partySize"] == 2)
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="2", exact=True))
    await expect(row.get_by_role("cell").first).to_have_text(str(twos["parties"]))


@pytest.mark.usefixtures("counted")
async def test_bars_begin_at_zero_and_show_the_tables_numbers(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}")
    body = await told(page)
    await painted(page)
    axes = (
        "[...document.querySelectorAll('canvas')].map(c => Object.values(Chart.getChart(c).scales)"
        ".find(scale => scale.type === 'linear').min)"
    )
    assert await page.evaluate(axes) == [0] * CHARTS
    bars = "Chart.getChart(document.querySelector('canvas')).data.datasets.map(set => set.data)"
    days = body["days"]
    assert await page.evaluate(bars) == [
        [day["sources"][source]["covers"] for day in days] for source in ("OPENTABLE", "LINEUP")
    ]


@pytest.mark.usefixtures("counted")
async def test_one_source_alone_can_be_looked_at(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}")
    body = await told(page)
    await page.get_by_text("OpenTable", exact=True).first.click()
    await painted(page)
    assert await key(page, "Covers") == f"{body['sources']['OPENTABLE']['covers']:,}"


@pytest.mark.usefixtures("counted")
async def test_other_days_are_another_address(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}")
    await painted(page)
    await page.get_by_label("From").fill("2026-03-07")
    await page.get_by_role("button", name="Show").click()
    await expect(
        page.get_by_text(re.compile("Sat 7 Mar.* . Fri 13 Mar.*: 7 days counted"))
    ).to_be_visible()
    assert page.url.endswith("/patterns/2026-03-07_2026-03-13")
    await page.go_back()
    await expect(
        page.get_by_text(re.compile("Sat 14 Feb.* . Fri 13 Mar.*: 28 days counted"))
    ).to_be_visible()


async def test_many_days_are_shown_by_week(stand: Stand, visit: Visit) -> None:
    await count(stand, DateWindow(date(2025, 12, 13), MONTH.end))
    page = await visit("manager", "patterns/2025-12-13_2026-03-13")
    await painted(page)
    table = page.get_by_role("region", name="Covers by week")
    await expect(table.get_by_role("row").nth(1)).to_contain_text(
        re.compile(r"Mon 8 Dec.* \(2 of 7 days\)")
    )


async def test_a_day_that_nobody_counted_is_a_gap_and_no_zero(stand: Stand, visit: Visit) -> None:
    await count(stand, DateWindow(date(2026, 3, 2), date(2026, 3, 4)))
    await count(stand, DateWindow(date(2026, 3, 6), date(2026, 3, 8)))
    page = await visit("manager", "patterns/2026-03-02_2026-03-08")
    await painted(page)
    values = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].data"
    assert [value is None for value in await page.evaluate(values)] == [False] * 3 + [True] + [
        False
    ] * 3
    table = page.get_by_role("region", name="Covers by day")
    await expect(table.get_by_role("row").nth(4)).to_have_text(re.compile("Thu 5 Mar.*\u2013{4}"))
    await expect(page.locator(".note")).to_contain_text("No data on Thu 5 Mar")


@pytest.mark.usefixtures("counted")
async def test_days_that_nobody_counted_are_named(visit: Visit) -> None:
    page = await visit("manager", "patterns/2026-02-01_2026-03-20")
    await expect(page.locator(".note")).to_contain_text(
        re.compile("No data before Sat 14 Feb.*, after Fri 13 Mar")
    )
    await expect(page.get_by_text("28 days counted")).to_be_visible()


async def test_before_the_first_run_the_page_says_why_it_is_empty(visit: Visit) -> None:
    page = await visit("manager", "patterns")
    await expect(page.locator(".note")).to_contain_text("The hourly check counts from yesterday on")
    await expect(page.locator("canvas")).to_have_count(0)


async def test_counted_days_without_a_guest_are_no_missing_days(stand: Stand, visit: Visit) -> None:
    await count(stand, empty=True)
    page = await visit("manager", f"patterns/{SPAN}")
    await expect(page.locator(".note")).to_have_text("There are no reservations on these days.")


async def test_a_span_that_is_none_is_explained(visit: Visit) -> None:
    page = await visit("manager", "patterns/2026-03-13_2026-02-14")
    await expect(page.locator(".note")).to_contain_text("nor more than 400 days after")


async def test_the_days_shown_can_be_downloaded(counted: Stand, visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}")
    await painted(page)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download CSV").click()
    file = await download.value
    assert file.suggested_filename == (
        f"patterns-{counted.restaurant.id}-{MONTH.start}-{MONTH.end}.csv"
    )
    rows = list(csv.DictReader((await file.path()).read_text().splitlines()))
    covers = sum(int(row["covers"]) for row in rows)
    assert await key(page, "Covers") == f"{covers:,}"


@pytest.mark.usefixtures("counted")
async def test_charts_follow_the_colour_scheme(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}", color_scheme="light")
    await painted(page)
    light = await page.evaluate(COLOUR)
    await page.emulate_media(color_scheme="dark")
    changed = (
        "before => new Promise((done) => { const look = () => "
        f"{COLOUR} === before ? requestAnimationFrame(look) : done(true); look(); }})"
    )
    assert await page.evaluate(changed, light)


@pytest.mark.usefixtures("counted")
async def test_without_the_charts_the_numbers_are_there(visit: Visit) -> None:
    page = await visit("manager", "reports")
    await page.route("**/vendor/**", lambda route: route.abort())
    await page.get_by_role("link", name="Patterns").click()
    await page.evaluate(f"location.hash = location.hash + '/{SPAN}'")
    await expect(page.get_by_text("The chart could not be loaded").first).to_be_visible()
    await expect(page.get_by_role("region", name="Party sizes")).to_be_visible()


@pytest.mark.usefixtures("counted")
async def test_a_phone_shows_the_numbers_when_asked(visit: Visit) -> None:
    page = await visit("manager", f"patterns/{SPAN}", viewport=PHONE)
    table = page.get_by_role("region", name="Party sizes")
    await painted(page)
    await expect(table).to_be_hidden()
    await page.get_by_text("The numbers").nth(2).click()
    await expect(table).to_be_visible()


@pytest.mark.usefixtures("counted")
async def test_a_host_has_no_way_there(visit: Visit) -> None:
    page = await visit("host", f"patterns/{SPAN}")
    await expect(page.get_by_role("link", name="Patterns")).to_have_count(0)
    await expect(page.locator(".patterns")).to_have_count(0)
