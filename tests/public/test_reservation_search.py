"""Search: accents, phone numbers in any form, all days, and filters that stay visible."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.public.harness import PAGE_DAY, PageHarness, optional_year

PHONE = {"width": 390, "height": 844}
NAMES = ("José Álvarez", "Renée Łukasz", "Zoë Müller", "Nguyễn Thị Hoa", "Seán O'Brien")


async def book_guests(harness: PageHarness) -> None:
    for number, name in enumerate(NAMES):
        phone = f"+1212555010{number}"
        await harness.send_envelope(reservationId=f"ot_{number}", dinerName=name, dinerPhone=phone)


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The day of five guests with accents."""
    await book_guests(harness)
    return await harness.open_page()


@pytest.mark.parametrize(
    "query, name",
    [
        ("jose", "José Álvarez"),
        ("renee lukasz", "Renée Łukasz"),
        ("MULLER", "Zoë Müller"),
        ("nguyen", "Nguyễn Thị Hoa"),
        ("obrien", "Seán O'Brien"),
        ("(212) 555-0102", "Zoë Müller"),
        ("0012125550103", "Nguyễn Thị Hoa"),
        ("+1 212 555 0101", "Renée Łukasz"),
    ],
)
async def test_the_search_folds_accents_and_numbers(query: str, name: str, page: Page) -> None:
    await page.get_by_role("searchbox").fill(query)
    await expect(page.locator("tbody:visible .name")).to_have_text([name])


async def test_active_filters_stay_visible_on_a_phone(harness: PageHarness) -> None:
    await book_guests(harness)
    page = await harness.open_page(viewport=PHONE)
    await page.get_by_text("Filter and search").click()
    await page.get_by_role("searchbox").fill("zoe")
    await page.get_by_text("Filter and search").click()
    await expect(page.get_by_role("searchbox")).to_be_hidden()
    await expect(page.locator(".active-filters")).to_contain_text("zoe 1 of 5")
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.locator("tbody .name")).to_have_count(5)


async def test_incomplete_rows_are_filtered_too(harness: PageHarness) -> None:
    await book_guests(harness)
    await harness.send_envelope("updated", 1, reservationId="early", dinerName="Sophie Germain")
    page = await harness.open_page()
    await expect(page.get_by_role("row", name="Sophie Germain")).to_be_visible()
    await page.get_by_role("searchbox").fill("zoe")
    await expect(page.get_by_role("row", name="Sophie Germain")).to_have_count(0)


async def test_nothing_found_offers_to_clear_the_filters(page: Page) -> None:
    await page.get_by_role("searchbox").fill("nobody")
    await expect(page.locator("main .empty")).to_have_text("No reservations match. Clear filters")


async def test_a_guest_is_found_on_another_day(harness: PageHarness) -> None:
    await harness.send_envelope(
        reservationId="later", dinerName="José Álvarez", reservationDateTime="2026-04-18T23:00:00Z"
    )
    page = await harness.open_page()
    await page.get_by_role("searchbox").fill("jose")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.get_by_role("button", name="Search all days").click()
    results = page.get_by_role("dialog", name="All days: jose")
    await expect(results.get_by_role("listitem")).to_contain_text(
        re.compile(r"Sat, Apr 18(, 2026)?, 7:00\sPM")
    )
    await results.get_by_role("link", name="José Álvarez").click()
    await expect(page.get_by_role("dialog", name="José Álvarez")).to_be_visible()
    await expect(page.get_by_role("heading", level=1, include_hidden=True)).to_have_text(
        optional_year("Saturday, April 18*")
    )
    assert not any("jose" in address.lower() for address in addresses)


async def test_a_phone_number_without_plus_dials(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    document = harness.client.document(
        "restaurants", harness.restaurant.id, "reservations", "lineup-7"
    )
    await document.update({"phone": "447700900123"})
    page = await harness.open_page(screen=f"reservations/{PAGE_DAY}/r/lineup-7")
    await expect(page.get_by_role("link", name="447700900123")).to_have_attribute(
        "href", "tel:+447700900123"
    )
