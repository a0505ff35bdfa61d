"""Reservations of Lineup are canceled with a reason; those of OpenTable cannot be canceled."""

import pytest
from playwright.async_api import Page, expect

CANCEL = "Cancel this reservation …"


@pytest.mark.usefixtures("ada_reservation")
async def test_opentable_reservations_cannot_be_cancelled_and_the_reason_is_shown(
    page: Page,
) -> None:
    await page.get_by_role("link", name="Ada Lovelace").click()
    button = page.get_by_role("button", name=CANCEL)
    await expect(button).to_be_disabled()
    await expect(button).to_have_accessible_description(
        "OpenTable reservations must be cancelled through OpenTable."
    )


@pytest.mark.usefixtures("native_reservations")
async def test_a_cancelled_native_reservation_is_shown_as_cancelled(page: Page) -> None:
    await cancel_on_page(page, "Noor Abernathy")
    await page.keyboard.press("Escape")
    await page.get_by_text("Cancelled (2)").click()
    await expect(page.get_by_role("row", name="Noor Abernathy")).to_contain_text("Cancelled")


@pytest.mark.usefixtures("native_reservations")
async def test_the_cancellation_reason_is_stored(page: Page) -> None:
    await cancel_on_page(page, "Noor Abernathy", "Called in ill")
    sheet = page.get_by_role("dialog", name="Noor Abernathy")
    await expect(sheet.locator(".facts")).to_contain_text("Called in ill")
    await expect(sheet.locator(".history")).to_contain_text("Cancelled by staff")


@pytest.mark.usefixtures("native_reservations")
async def test_closing_the_dialog_cancels_nothing(page: Page) -> None:
    await page.get_by_role("link", name="Noor Abernathy").click()
    await page.get_by_role("button", name=CANCEL).click()
    await page.get_by_role("button", name="Go back").click()
    await expect(page.get_by_role("dialog", name="Noor Abernathy")).to_contain_text("Confirmed")


@pytest.mark.usefixtures("native_reservations")
async def test_a_past_reservation_has_no_cancel_button(page: Page) -> None:
    await page.get_by_text("Cancelled (1)").click()
    await page.get_by_role("link", name="Jonas Achterberg").click()
    await expect(page.get_by_role("dialog", name="Jonas Achterberg")).to_be_visible()
    await expect(page.get_by_role("button", name=CANCEL)).to_have_count(0)


@pytest.mark.usefixtures("native_reservations")
async def test_the_keyboard_alone_cancels(page: Page) -> None:
    await page.get_by_role("link", name="Noor Abernathy").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name=CANCEL).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Cancel the reservation").focus()
    await page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Noor Abernathy", exact=True)
    await expect(sheet).to_contain_text("Cancelled by staff")
    await page.keyboard.press("Escape")
    # Its row is folded away now.
    await expect(page.locator("main")).to_be_focused()


async def cancel_on_page(page: Page, name: str, reason: str = "") -> None:
    """Cancel a reservation, from the list to the confirmation."""
    await page.get_by_role("link", name=name).click()
    await page.get_by_role("button", name=CANCEL).click()
    await page.get_by_label("Reason (optional)").fill(reason)
    await page.get_by_role("button", name="Cancel the reservation").click()
    await page.get_by_role("dialog", name=f"Cancel {name}?").wait_for(state="hidden")
