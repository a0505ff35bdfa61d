"""A busy evening: 310 reservations on every device, groups, sorting and the keyboard."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import NEW_YORK, PAGE_DAY, PageHarness, expect_day
from tests.public.test_screens import DEVICES, PHONE, PICTURES, horizontal_overflow

GUESTS = 310
FIRST = datetime(2026, 3, 14, 11, tzinfo=NEW_YORK)
FIRST_ROW_SHARE = 0.4  # of the screen of a phone
BROKEN_NUMBERS = """
() => [...document.querySelectorAll(".hours .count, .hours .hour, .rows .time, .rows .party")]
  .filter((each) => {
    const range = document.createRange();
    range.selectNodeContents(each.firstChild);
    return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom))).size > 1;
  })
  .map((each) => each.textContent)
"""


@pytest.fixture
async def busy_evening(harness: PageHarness) -> PageHarness:
    """310 reservations from 11:00 to half past midnight, with long names and notes."""
    await harness.replace_reservations(map(build_evening_row, range(GUESTS)))
    return harness


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The busy evening as a host sees it."""
    await harness.replace_reservations(map(build_evening_row, range(GUESTS)))
    return await harness.open_page()


def build_evening_row(index: int) -> dict[str, Any]:
    start = FIRST + timedelta(minutes=15 * (index % 55))
    names = ("Maximiliana von Hohenzollern-Sigmaringen und zu Castell", "محمد عبد الله", "Ann Li")
    return {
        "id": f"many-{index}",
        "dinerName": f"{names[index % 3]} {index:03}",
        "partySize": 25 if index == 7 else 2 + index % 6,
        "startAt": f"{start.astimezone(tz=None):%Y-%m-%dT%H:%M:%SZ}",
        "startAtTimestamp": start,
        "localDate": start.date().isoformat(),
        "status": ("CONFIRMED", "SEATED", "COMPLETED")[index // 3 % 3],
        "metadata": {
            "tableNumbers": [str(index % 40)],
            "server": ("Rosa", "Tim")[index % 2],
            "specialRequests": "Nut allergy; " * 70 if index % 50 == 0 else None,
        },
    }


@pytest.mark.parametrize("device, size", DEVICES, ids=[device for device, _ in DEVICES])
@pytest.mark.usefixtures("busy_evening")
async def test_a_day_of_310_reservations_fits(
    device: str, size: dict[str, int], harness: PageHarness
) -> None:
    page = await harness.open_page(viewport=size)
    await page.locator("tr[data-id]").first.wait_for()
    await expect(page.locator("tr[data-id]")).to_have_count(GUESTS)
    await page.screenshot(path=PICTURES / f"busy-evening-{device}.png")
    assert await horizontal_overflow(page) == 0
    assert await page.evaluate(BROKEN_NUMBERS) == []


@pytest.mark.parametrize("is_warned", [False, True], ids=["quiet", "with warnings"])
async def test_the_first_reservation_is_high_on_a_phone(
    is_warned: bool, busy_evening: PageHarness, harness: PageHarness
) -> None:
    if is_warned:
        await busy_evening.send_invalid_envelope()
        await busy_evening.send_envelope("updated", 1, reservationId="early")
    page = await harness.open_page(viewport=PHONE)
    row = page.get_by_role("table", name="The day's").locator("tr[data-id]").first
    await row.wait_for()
    top = await row.evaluate("row => row.getBoundingClientRect().top")
    assert top <= FIRST_ROW_SHARE * PHONE["height"]


async def test_a_guest_after_midnight_is_in_the_evening_before(page: Page) -> None:
    heads = page.get_by_role("table", name="The day's").locator(".group")
    await heads.first.wait_for()
    await expect(heads.first).to_contain_text("11 AM")
    await expect(heads.last).to_contain_text("12 AM")


async def test_the_head_of_an_hour_stays_visible(page: Page) -> None:
    await page.get_by_role("button", name="covers at 7 PM").click()
    head = page.locator(".group", has_text="7 PM").locator("th")
    await expect(head).to_be_in_viewport()
    await page.mouse.wheel(0, 300)
    await expect(head).to_be_in_viewport()


async def test_the_shifts_have_their_covers(page: Page) -> None:
    await expect(page.locator(".shifts")).to_have_text(re.compile(r"Lunch \d+ · Dinner \d+"))


async def test_thousands_of_covers_are_readable(page: Page) -> None:
    await expect(page.locator(".total")).to_have_text("1,413 covers in 310 reservations")


@pytest.mark.parametrize(
    "order, head",
    [
        ("Table", "Table 0"),
        ("Server", "Rosa"),
        ("Status", "Confirmed"),
    ],
)
async def test_the_list_can_be_grouped(order: str, head: str, page: Page) -> None:
    await page.get_by_label("Sort by").select_option(order)
    await expect(page.locator(".group").first).to_contain_text(f"{head} · ")


async def test_the_list_can_be_sorted_by_name(page: Page) -> None:
    await page.get_by_label("Sort by").select_option("Name")
    first = page.get_by_role("table", name="The day's").locator(".name").first
    await expect(first).to_have_text("Ann Li 002")


async def test_finished_tables_are_folded_wherever_they_stand(page: Page) -> None:
    rows = page.get_by_role("table", name="The day's").locator("tr[data-id]")
    await expect(page.locator("details.fold summary")).to_have_text("Earlier (102 finished)")
    await expect(rows).to_have_count(GUESTS - 102)
    await expect(rows.filter(has_text="Finished")).to_have_count(0)


async def test_keys_move_between_rows_and_open_one(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page()
    names = page.get_by_role("table", name="The day's").locator(".name a")
    await expect(names).to_have_count(5)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(names.nth(1)).to_be_focused()
    await page.keyboard.press("k")
    await expect(names.first).to_be_focused()
    name = await names.first.inner_text()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name=name)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_keys_change_the_day_and_start_a_search(harness: PageHarness) -> None:
    page = await harness.open_page()
    await expect_day(page, "Saturday, March 14")
    await page.keyboard.press("ArrowRight")
    await expect_day(page, "Sunday, March 15")
    await page.keyboard.press("ArrowLeft")
    await expect_day(page, "Saturday, March 14")
    # It appears with the list, after the heading.
    await expect(page.get_by_role("searchbox")).to_be_visible()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("jt")
    await expect_day(page, "Saturday, March 14")
    await expect(page.get_by_role("searchbox")).to_have_value("jt")


async def test_the_shortcuts_are_listed(harness: PageHarness) -> None:
    page = await harness.open_page()
    await page.get_by_label("Go to date").wait_for()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Search")


@pytest.mark.parametrize(
    "settings, shown",
    [
        ({"country": "US"}, r"8:45\sPM"),
        ({"country": "GB"}, "20:45"),
        ({"country": "DE"}, "20:45"),
        ({"country": "AU"}, r"8:45\sPM"),
        ({"country": "US", "hourCycle": "h23"}, "20:45"),
        ({"country": "FR", "hourCycle": "h12"}, r"8:45\sPM"),
    ],
)
async def test_times_follow_the_country_or_the_setting(
    settings: dict[str, str], shown: str, harness: PageHarness
) -> None:
    await harness.change_settings(**settings)
    await harness.write_native_reservations()
    page = await harness.open_page()
    row = page.get_by_role("row", name="Leila Fontaine")
    await expect(row.locator("td.time")).to_have_text(re.compile(shown, re.IGNORECASE))


async def test_a_day_outside_the_compared_days_says_how_far_the_check_goes(
    harness: PageHarness,
) -> None:
    await harness.make_both_sides_equal()
    page = await harness.open_page(screen="reservations/2026-06-20")
    banner = page.locator(".health")
    await expect(banner).to_contain_text("Checked up to Mar 14")
    await expect(banner).not_to_have_attribute("data-level", "good")
    await page.goto(f"{page.url.rpartition('/')[0]}/{PAGE_DAY}")
    await expect(banner).to_contain_text("nothing to update")
    await expect(banner).to_have_attribute("data-level", "good")
