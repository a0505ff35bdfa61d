"""Reconciliation reports on the page."""

import re

from playwright.async_api import expect

from sandbox.fault_injection import FailureKind
from tests.public.harness import PageHarness


async def test_a_report_without_differences_is_shown_as_ok(harness: PageHarness) -> None:
    await harness.make_both_sides_equal()
    page = await harness.open_page(screen="reports")
    await page.get_by_role("row", name="In sync").get_by_role("link").click()
    news = page.locator(".note.good")
    await expect(news).to_have_text("In sync. Every compared reservation matches OpenTable.")


async def test_a_difference_shows_both_values_and_the_action(harness: PageHarness) -> None:
    booked = harness.opentable.book_at(harness.restaurant.rid, 4)
    await harness.reconcile()
    booked.actions.change_party_size(booked.reservation.key, 6)
    await harness.reconcile()
    page = await harness.open_page(screen="reports")
    await page.get_by_role("link").filter(has_text=":").first.click()
    updated = page.get_by_role("table", name="Updated")
    await expect(updated.get_by_role("row").nth(1)).to_contain_text("Party: 4 → 6")


async def test_an_added_reservation_is_shown_as_added(harness: PageHarness) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    report = await harness.reconcile()
    page = await harness.open_page(screen=f"reports/{report['reportId']}")
    added = page.get_by_role("table", name="Added").get_by_role("row").nth(1)
    await expect(added).to_contain_text("Sat, Mar 14")
    await expect(added).to_contain_text("4")


async def test_a_divergence_links_to_the_history(harness: PageHarness) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    await harness.send_envelope()
    report = await harness.reconcile()
    page = await harness.open_page(screen=f"reports/{report['reportId']}")
    await page.get_by_role("row", name="Not found at OpenTable").get_by_role("link").click()
    await expect(page.locator(".history")).to_contain_text("Added")


async def test_a_manager_executes_a_held_plan(harness: PageHarness) -> None:
    held = await harness.create_held_report()
    page = await harness.open_page("manager", f"reports/{held}")
    await expect(page.locator("main .note")).to_contain_text("On hold. We changed nothing.")
    await page.get_by_role("button", name="Apply changes …").click()
    await page.get_by_role("button", name="Apply 25 changes").click()
    await expect(page.locator("main .note")).to_contain_text("25 updated")


async def test_a_host_can_only_read_a_held_plan(harness: PageHarness) -> None:
    held = await harness.create_held_report()
    page = await harness.open_page("host", f"reports/{held}")
    planned = page.get_by_role("table", name="Would be updated")
    await expect(planned.get_by_role("row")).to_have_count(26)  # with the head
    await expect(page.get_by_role("button", name="Apply changes …")).to_have_count(0)


async def test_a_held_plan_shows_its_reservations_and_covers_by_day(harness: PageHarness) -> None:
    held = await harness.create_held_report()
    page = await harness.open_page("host", f"reports/{held}")
    day = page.get_by_role("table", name="By day").get_by_role("row").nth(1)
    await expect(day).to_contain_text("Sat, Mar 14")
    await expect(day.get_by_role("cell").first).to_have_text("25")


async def test_a_failed_report_shows_unknown_counts_as_a_dash(harness: PageHarness) -> None:
    faults = harness.opentable.sandbox.faults
    faults.script_failure(FailureKind.STATUS, status=403, path="/sync/v2/reservations", times=20)
    try:
        report = await harness.reconcile()
    finally:
        faults.clear()
    assert report["status"] == "FAILED"
    page = await harness.open_page(screen=f"reports/{report['reportId']}")
    await expect(page.locator(".facts")).to_contain_text("Compared\N{EN DASH}")


async def test_a_manager_removes_all_reservations_that_opentable_lacks(
    harness: PageHarness,
) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    await harness.send_envelope()
    report = await harness.reconcile()
    page = await harness.open_page("manager", f"reports/{report['reportId']}")
    await page.get_by_role("button", name="Remove all from the list").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").fill("The guest called")
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(page.get_by_text("Decided on 1 reservation.")).to_be_visible()
    await expect(page.get_by_role("table", name="Needs review")).to_contain_text(
        "Removed from the list by a manager"
    )


async def test_an_unknown_report_shows_a_message(harness: PageHarness) -> None:
    page = await harness.open_page(screen="reports/none")
    await expect(page.locator("main")).to_contain_text("There is no report with this id")


async def test_a_comparison_of_one_day_names_the_day_once(harness: PageHarness) -> None:
    await harness.make_both_sides_equal()
    page = await harness.open_page(screen="reports")
    row = page.get_by_role("table", name="Reports").get_by_role("row").nth(1)
    await expect(row.get_by_role("cell").nth(1)).to_have_text(re.compile(r"^Mar 14(, \d{4})?$"))
