"""The printed day sheet, as a PDF."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.public.harness import PageHarness

PDFTOTEXT = shutil.which("pdftotext")
pytestmark = pytest.mark.skipif(PDFTOTEXT is None, reason="apt-get install poppler-utils")


def build_sheet_row(index: int) -> dict[str, Any]:
    note = "Nut allergy, window seat" if index % 5 == 0 else None
    return {
        "id": f"many-{index}",
        "dinerName": f"Guest {index:03}",
        "phone": "+12125550100",
        "status": "CONFIRMED",
        "metadata": {"tableNumbers": [str(index)], "specialRequests": note},
    }


async def print_pages(page: Page, folder: Path, paper: str) -> list[str]:
    """Return the text of each printed page."""
    file = folder / "day.pdf"
    await page.pdf(path=file, format=paper)
    command = [str(PDFTOTEXT), "-layout", str(file), "-"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode().rstrip("\f").split("\f")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
async def test_fifty_reservations_fit_on_one_page(
    paper: str, harness: PageHarness, tmp_path: Path
) -> None:
    await harness.replace_reservations(map(build_sheet_row, range(50)))
    page = await harness.open_page()
    await page.get_by_role("row", name="Guest 049").wait_for()
    [sheet] = await print_pages(page, tmp_path, paper)
    assert set(re.findall(r"Guest \d{3}", sheet)) == {f"Guest {index:03}" for index in range(50)}
    assert "Page 1 of 1" in sheet


async def test_every_page_names_restaurant_date_and_time(
    harness: PageHarness, tmp_path: Path
) -> None:
    await harness.change_settings(name="Chez Panisse")
    await harness.replace_reservations(map(build_sheet_row, range(310)))
    page = await harness.open_page()
    await page.get_by_role("row", name="Guest 309").wait_for()
    pages = await print_pages(page, tmp_path, "A4")
    assert len(pages) <= 7
    for number, text in enumerate(pages, start=1):
        assert "Chez Panisse" in text
        assert "Saturday, March 14, 2026" in text
        assert "Printed " in text
        assert f"Page {number} of {len(pages)}" in text


async def test_the_sheet_has_the_columns_and_none_of_the_controls(
    harness: PageHarness, tmp_path: Path
) -> None:
    await harness.replace_reservations(map(build_sheet_row, range(1)))
    page = await harness.open_page()
    await page.get_by_role("row", name="Guest 000").wait_for()
    [sheet] = await print_pages(page, tmp_path, "A4")
    for text in ("Time", "Party", "Name", "Table", "Phone", "Notes", "+12125550100", "Nut allergy"):
        assert text in sheet
    for text in ("Sign out", "Search", "Previous day", "Source"):
        assert text not in sheet


async def test_cancelled_reservations_are_left_out(harness: PageHarness, tmp_path: Path) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page()
    await page.get_by_role("row", name="Leila Fontaine").wait_for()
    [sheet] = await print_pages(page, tmp_path, "A4")
    assert "Leila Fontaine" in sheet
    assert "Jonas Achterberg" not in sheet


async def test_it_is_black_on_white_in_a_dark_browser(harness: PageHarness) -> None:
    await harness.write_native_reservations()
    page = await harness.open_page(color_scheme="dark")
    await page.get_by_role("row", name="Leila Fontaine").wait_for()
    await page.emulate_media(media="print")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    cell = page.locator(".day-sheet td").first
    colors = await cell.evaluate(
        "cell => [cell, cell.closest('table')].map((each) => getComputedStyle(each))"
        ".map(({ color, backgroundColor }) => [color, backgroundColor])"
    )
    assert colors == [["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"], ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]]
