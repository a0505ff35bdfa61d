"""Reconciliation reports on the page."""

from playwright.async_api import expect

from tests.public.conftest import OpenPage
from tests.public.harness import PageHarness


async def test_a_report_without_differences_is_shown_as_ok(
    harness: PageHarness, open_page: OpenPage
) -> None:
    await harness.make_both_sides_equal()
    page = await open_page(screen="reports")
    await page.get_by_role("row", name="Nothing differed").get_by_role("link").click()
    news = page.locator(".note.good")
    await expect(news).to_have_text("Nothing differed. The book and OpenTable's say the same.")


async def test_a_difference_shows_both_values_and_the_action(
    harness: PageHarness, open_page: OpenPage
) -> None:
    booked = harness.opentable.book_at(harness.restaurant.rid, 4)
    await harness.reconcile()
    booked.desk.change_party_size(booked.reservation.key, 6)
    await harness.reconcile()
    page = await open_page(screen="reports")
    await page.get_by_role("link").filter(has_text=":").first.click()
    party = page.get_by_role("row").filter(has_text="Party")
    await expect(party.get_by_role("cell")).to_have_text(["Party", "4", "6", "Corrected"])


async def test_an_added_reservation_is_shown_as_added(
    harness: PageHarness, open_page: OpenPage
) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    report = await harness.reconcile()
    page = await open_page(screen=f"reports/{report['reportId']}")
    await expect(page.get_by_role("row").filter(has_text="Missing in the ledger")).to_contain_text(
        "Added"
    )


async def test_a_divergence_links_to_the_history(harness: PageHarness, open_page: OpenPage) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    await harness.send_envelope()
    report = await harness.reconcile()
    page = await open_page(screen=f"reports/{report['reportId']}")
    await page.get_by_role("row", name="Not at OpenTable").get_by_role("link").click()
    await expect(page.locator(".history")).to_contain_text("Added")


async def test_a_manager_executes_a_held_plan(harness: PageHarness, open_page: OpenPage) -> None:
    held = await harness.create_held_report()
    page = await open_page("manager", f"reports/{held}")
    await expect(page.locator("main .note")).to_contain_text("Held: nothing was changed")
    await page.get_by_role("button", name="Carry out this plan …").click()
    await page.get_by_role("button", name="Carry it out").click()
    await expect(page.locator("main .note")).to_contain_text("25 corrected")


async def test_a_host_can_only_read_a_held_plan(harness: PageHarness, open_page: OpenPage) -> None:
    held = await harness.create_held_report()
    page = await open_page("host", f"reports/{held}")
    await expect(page.get_by_role("row").filter(has_text="Held back")).to_have_count(25)
    await expect(page.get_by_role("button", name="Carry out this plan …")).to_have_count(0)


async def test_an_unknown_report_shows_a_message(open_page: OpenPage) -> None:
    page = await open_page(screen="reports/none")
    await expect(page.locator("main")).to_contain_text("There is no report with this id")
