"""A reservation and a day are addresses: they can be linked, and Back leaves them."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PAGE_DAY, PageHarness, expect_day, optional_year, url_ending

ADDRESS = f"reservations/{PAGE_DAY}/r/opentable-ot_1"


@pytest.mark.usefixtures("ada_reservation")
async def test_back_closes_the_reservation_and_keeps_the_day(page: Page) -> None:
    await page.get_by_role("link", name="Ada Lovelace").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page).to_have_url(url_ending(ADDRESS))
    await page.go_back()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page).to_have_url(url_ending(f"reservations/{PAGE_DAY}"))
    await expect(page.get_by_role("link", name="Ada Lovelace")).to_be_focused()


@pytest.mark.usefixtures("ada_reservation")
async def test_closing_leaves_no_step_that_back_would_open_again(page: Page) -> None:
    await page.get_by_role("button", name="Next day").click()
    await expect_day(page, "Sunday, March 15")
    await page.get_by_role("button", name="Previous day").click()
    await page.get_by_role("link", name="Ada Lovelace").click()
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.go_back()
    await expect_day(page, "Sunday, March 15")


async def test_an_open_reservation_names_its_date(harness: PageHarness) -> None:
    await harness.send_envelope()
    page = await harness.open_page(screen=ADDRESS)
    await expect(page.get_by_role("dialog", name="Ada Lovelace")).to_contain_text(
        "Saturday, March 14"
    )
    await expect(page).to_have_title(
        re.compile("Ada Lovelace · Sat, Mar 14(, 2026)? · Reservations")
    )


async def test_a_reservation_of_another_day_corrects_the_address(harness: PageHarness) -> None:
    await harness.send_envelope()
    page = await harness.open_page(screen="reservations/2026-03-20/r/opentable-ot_1")
    await expect(page.get_by_role("dialog", name="Ada Lovelace")).to_be_visible()
    await expect(page.get_by_role("row", name="Ada Lovelace")).to_have_count(1)
    await expect(page).to_have_url(url_ending(ADDRESS))


async def test_an_unknown_reservation_closes_to_its_day(harness: PageHarness) -> None:
    page = await harness.open_page(screen=f"reservations/{PAGE_DAY}/r/nobody")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("There is no reservation at this address.")
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page).to_have_url(url_ending(f"reservations/{PAGE_DAY}"))


@pytest.mark.parametrize("date", ["2027-13-45", "2027-02-30", "tomorrow"])
async def test_an_impossible_date_has_one_sentence_and_a_way_on(
    date: str, harness: PageHarness
) -> None:
    page = await harness.open_page(screen=f"reservations/{date}")
    await expect(page.locator("main .note")).to_have_text(f"“{date}” is not a date.")
    await page.get_by_role("link", name="Go to today's reservations").click()
    await expect(page.get_by_label("Go to date")).to_be_visible()


async def test_an_unknown_screen_has_one_sentence_and_a_way_on(harness: PageHarness) -> None:
    page = await harness.open_page(screen="nowhere")
    await expect(page.locator("main")).to_contain_text("This page doesn't exist.")
    await expect(page.get_by_role("link", name="Go to today's reservations")).to_be_visible()


@pytest.mark.usefixtures("ada_reservation")
async def test_another_screen_leads_back_to_the_day_and_its_filters(page: Page) -> None:
    await page.get_by_role("searchbox").fill("ada")
    await page.get_by_role("link", name="Reports").click()
    await page.get_by_role("link", name="Reservations", exact=True).click()
    await expect_day(page, "Saturday, March 14")
    await expect(page.get_by_role("searchbox")).to_have_value("ada")


async def test_a_day_of_another_year_shows_the_year(harness: PageHarness) -> None:
    page = await harness.open_page(screen="reservations/2031-01-16")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thursday, January 16, 2031")


async def test_the_name_of_the_restaurant_is_on_the_page_and_in_the_title(
    harness: PageHarness,
) -> None:
    await harness.change_settings(name="Chez Panisse")
    page = await harness.open_page()
    await expect(page.get_by_role("banner")).to_contain_text("Chez Panisse")
    await expect(page).to_have_title(optional_year("Sat, Mar 14* · Reservations · Chez Panisse"))
