"""Analytics are readable, accessible and downloadable, and show no invented count."""

import csv
import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from shared.domain.days import DateWindow
from tests.public.harness import PageHarness, url_ending
from tests.public.sample_data import BUSY_MONTH, BUSY_MONTH_SPAN, store_rollups
from tests.public.test_screens import (
    PHONE,
    PICTURES,
    TABLET,
    accessibility_violations,
    horizontal_overflow,
)

CHARTS = 4
# Undefined while the chart is drawn anew.
COLOUR = "Chart.getChart(document.querySelector('canvas'))?.data.datasets[0].backgroundColor"


@pytest.fixture
async def harness_with_analytics(harness: PageHarness) -> PageHarness:
    await store_rollups(harness)
    return harness


async def wait_for_charts(page: Page) -> None:
    """Wait until every chart is there."""
    # Chart.js gives a canvas its style once it draws on it.
    await expect(page.locator("canvas[style]")).to_have_count(CHARTS)


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The busy month as a manager sees it."""
    await store_rollups(harness)
    page = await harness.open_page("manager", f"analytics/{BUSY_MONTH_SPAN}")
    await wait_for_charts(page)
    return page


def key_figure(page: Page, name: str) -> Locator:
    """Return the number of a key figure."""
    return page.locator(".keys > div").filter(has_text=name).locator("strong")


async def reload_analytics(page: Page) -> Any:
    """Reload the page and return its analytics response."""
    await wait_for_charts(page)  # the response must be the reloaded page's
    async with page.expect_response(lambda reply: "/analytics?" in reply.url) as answer:
        await page.reload()
    return await (await answer.value).json()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("harness_with_analytics")
async def test_the_analytics_screen_is_accessible_and_fits(
    scheme: str, harness: PageHarness
) -> None:
    for device, size in (("tablet", TABLET), ("phone", PHONE)):
        page = await harness.open_page(
            "manager",
            f"analytics/{BUSY_MONTH_SPAN}",
            color_scheme=scheme,
            viewport=size,
            bypass_csp=True,
        )
        await wait_for_charts(page)
        picture = PICTURES / f"analytics-{device}-{scheme}.png"
        await page.screenshot(path=picture, animations="disabled", full_page=True)
        assert await horizontal_overflow(page) == 0, device
        assert await accessibility_violations(page) == [], device


async def test_figures_and_tables_equal_the_api(page: Page) -> None:
    body = await reload_analytics(page)
    await wait_for_charts(page)
    total = body["total"]
    await expect(key_figure(page, "Covers")).to_have_text(f"{total['covers']:,}")
    await expect(key_figure(page, "Walk-ins")).to_have_text(str(total["walkIns"]))
    await expect(key_figure(page, "Cancelled")).to_have_text(f"{total['cancellationRate']:.1%}")
    table = page.get_by_role("region", name="Party sizes")
    twos = next(each for each in total["partySizes"] if each["partySize"] == 2)
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="2", exact=True))
    await expect(row.get_by_role("cell").first).to_have_text(str(twos["parties"]))


async def test_bars_begin_at_zero_and_show_the_tables_numbers(page: Page) -> None:
    body = await reload_analytics(page)
    await wait_for_charts(page)
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


async def test_one_source_alone_can_be_looked_at(page: Page) -> None:
    body = await reload_analytics(page)
    await page.get_by_text("OpenTable", exact=True).first.click()
    covers = body["sources"]["OPENTABLE"]["covers"]
    await expect(key_figure(page, "Covers")).to_have_text(f"{covers:,}")


async def test_other_days_are_another_address(page: Page) -> None:
    await page.get_by_label("From").fill("2026-03-07")
    await page.get_by_role("button", name="Show").click()
    await expect(
        page.get_by_text(re.compile("Sat, Mar 7.* . Fri, Mar 13.*: 7 days counted"))
    ).to_be_visible()
    await expect(page).to_have_url(url_ending("/analytics/2026-03-07_2026-03-13"))
    await page.go_back()
    await expect(
        page.get_by_text(re.compile("Sat, Feb 14.* . Fri, Mar 13.*: 28 days counted"))
    ).to_be_visible()


async def test_a_period_is_an_address_and_stays_selected(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "analytics")
    await expect(page.get_by_role("radio", name="Last 4 weeks")).to_be_checked()
    last_day = page.get_by_label("To")
    await expect(last_day).not_to_have_value("")
    last = date.fromisoformat(await last_day.input_value())
    await page.get_by_text("Last 13 weeks").click()
    await expect(page).to_have_url(url_ending(f"/analytics/{last - timedelta(days=90)}_{last}"))
    await expect(page.get_by_role("radio", name="Last 13 weeks")).to_be_checked()


async def test_a_failed_download_is_explained_and_can_be_repeated(page: Page) -> None:
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Download CSV").click()
    await expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()
    await page.context.set_offline(False)
    async with page.expect_download():
        await page.get_by_role("button", name="Download CSV").click()
    await expect(page.get_by_role("alert").filter(has_text="No connection")).to_have_count(0)


async def test_many_days_are_shown_by_week(harness: PageHarness) -> None:
    await store_rollups(harness, DateWindow(date(2025, 12, 13), BUSY_MONTH.end))
    page = await harness.open_page("manager", "analytics/2025-12-13_2026-03-13")
    await wait_for_charts(page)
    table = page.get_by_role("region", name="Covers by week")
    await expect(table.get_by_role("row").nth(1)).to_contain_text(
        re.compile(r"Mon, Dec 8.* \(2 of 7 days\)")
    )


async def test_an_uncounted_day_is_a_gap_and_not_zero(harness: PageHarness) -> None:
    await store_rollups(harness, DateWindow(date(2026, 3, 2), date(2026, 3, 4)))
    await store_rollups(harness, DateWindow(date(2026, 3, 6), date(2026, 3, 8)))
    page = await harness.open_page("manager", "analytics/2026-03-02_2026-03-08")
    await wait_for_charts(page)
    values = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].data"
    assert [value is None for value in await page.evaluate(values)] == [False] * 3 + [True] + [
        False
    ] * 3
    table = page.get_by_role("region", name="Covers by day")
    await expect(table.get_by_role("row").nth(4)).to_have_text(re.compile("Thu, Mar 5.*\u2013{4}"))
    await expect(page.locator(".note")).to_contain_text("No data on Thu, Mar 5")


@pytest.mark.usefixtures("harness_with_analytics")
async def test_uncounted_days_are_listed(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "analytics/2026-02-01_2026-03-20")
    await expect(page.locator(".note")).to_contain_text(
        re.compile("No data before Sat, Feb 14.*; after Fri, Mar 13")
    )
    await expect(page.get_by_text("28 days counted")).to_be_visible()


async def test_before_the_first_run_the_page_explains_that_it_is_empty(
    harness: PageHarness,
) -> None:
    page = await harness.open_page("manager", "analytics")
    await expect(page.locator(".note")).to_contain_text("The hourly sync counts from yesterday on")
    await expect(page.locator("canvas")).to_have_count(0)


async def test_counted_days_without_a_guest_are_no_missing_days(harness: PageHarness) -> None:
    await store_rollups(harness, empty=True)
    page = await harness.open_page("manager", f"analytics/{BUSY_MONTH_SPAN}")
    await expect(page.locator(".note")).to_have_text("There are no reservations on these days.")


async def test_a_span_that_is_none_is_explained(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "analytics/2026-03-13_2026-02-14")
    await expect(page.locator(".note")).to_contain_text("at most 400 days later")


async def test_the_days_shown_can_be_downloaded(
    harness_with_analytics: PageHarness, page: Page
) -> None:
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download CSV").click()
    file = await download.value
    assert file.suggested_filename == (
        f"analytics-{harness_with_analytics.restaurant.id}-{BUSY_MONTH.start}-{BUSY_MONTH.end}.csv"
    )
    rows = list(csv.DictReader((await file.path()).read_text().splitlines()))
    covers = sum(int(row["covers"]) for row in rows)
    await expect(key_figure(page, "Covers")).to_have_text(f"{covers:,}")


@pytest.mark.usefixtures("harness_with_analytics")
async def test_charts_follow_the_colour_scheme(harness: PageHarness) -> None:
    page = await harness.open_page("manager", f"analytics/{BUSY_MONTH_SPAN}", color_scheme="light")
    await wait_for_charts(page)
    light = await page.evaluate(COLOUR)
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(f"light => ![light, undefined].includes({COLOUR})", arg=light)


@pytest.mark.usefixtures("harness_with_analytics")
async def test_without_the_charts_the_numbers_are_there(harness: PageHarness) -> None:
    page = await harness.open_page("manager", "reports")
    await page.route("**/vendor/**", lambda route: route.abort())
    await page.get_by_role("link", name="Analytics").click()
    await expect(page).to_have_url(url_ending("/analytics"))
    await page.goto(f"{page.url}/{BUSY_MONTH_SPAN}")
    await expect(page.get_by_text("The chart could not be loaded").first).to_be_visible()
    await expect(page.get_by_role("region", name="Party sizes")).to_be_visible()


@pytest.mark.usefixtures("harness_with_analytics")
async def test_a_phone_shows_the_numbers_on_request(harness: PageHarness) -> None:
    page = await harness.open_page("manager", f"analytics/{BUSY_MONTH_SPAN}", viewport=PHONE)
    table = page.get_by_role("region", name="Party sizes")
    await wait_for_charts(page)
    await expect(table).to_be_hidden()
    await page.get_by_text("The numbers").nth(2).click()
    await expect(table).to_be_visible()


async def test_only_a_table_that_scrolls_has_a_hint(page: Page) -> None:
    covers = page.locator(".figure").filter(has=page.get_by_role("region", name="Covers by day"))
    losses = page.locator(".figure").filter(has=page.get_by_role("region", name="Cancellations"))
    await expect(covers.locator("summary")).to_have_text("The numbers · scroll for all 28 rows")
    await expect(losses.locator("summary")).to_have_text("The numbers")


async def test_typed_days_survive_a_change_of_the_source(page: Page) -> None:
    await page.get_by_label("From").fill("2026-03-07")
    await page.get_by_text("OpenTable", exact=True).first.click()
    await expect(page.get_by_role("radio", name="OpenTable")).to_be_checked()
    await expect(page.get_by_label("From")).to_have_value("2026-03-07")


@pytest.mark.usefixtures("harness_with_analytics")
async def test_a_host_has_no_link_to_analytics(harness: PageHarness) -> None:
    page = await harness.open_page("host", f"analytics/{BUSY_MONTH_SPAN}")
    await expect(page.get_by_role("link", name="Reports")).to_be_visible()
    await expect(page.get_by_role("link", name="Analytics")).to_have_count(0)
    await expect(page.locator(".analytics")).to_have_count(0)
