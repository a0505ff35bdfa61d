"""The hourly checks: ours, theirs, and what was done."""

from playwright.async_api import expect

from tests.public.conftest import Visit
from tests.public.stand import Stand


async def test_nothing_differed_is_good_news(stand: Stand, visit: Visit) -> None:
    await stand.agree()
    page = await visit(screen="reports")
    await page.get_by_role("row", name="Nothing differed").get_by_role("link").click()
    news = page.locator(".note.good")
    await expect(news).to_have_text("Nothing differed. The book and OpenTable's say the same.")


async def test_a_difference_shows_ours_theirs_and_what_was_done(stand: Stand, visit: Visit) -> None:
    booked = stand.opentable.booked(stand.restaurant.rid, 4)
    await stand.reconcile()
    booked.desk.change_party_size(booked.reservation.key, 6)
    await stand.reconcile()
    page = await visit(screen="reports")
    await page.get_by_role("link").filter(has_text=":").first.click()
    party = page.get_by_role("row").filter(has_text="Party")
    await expect(party.get_by_role("cell")).to_have_text(["Party", "4", "6", "Corrected"])


async def test_a_reservation_that_was_added_is_told_as_added(stand: Stand, visit: Visit) -> None:
    stand.opentable.booked(stand.restaurant.rid, 4)
    report = await stand.reconcile()
    page = await visit(screen=f"report/{report['reportId']}")
    await expect(page.get_by_role("row").filter(has_text="Missing in the ledger")).to_contain_text(
        "Added"
    )


async def test_what_a_person_must_look_at_leads_to_its_story(stand: Stand, visit: Visit) -> None:
    stand.opentable.booked(stand.restaurant.rid, 4)
    await stand.hear()
    report = await stand.reconcile()
    page = await visit(screen=f"report/{report['reportId']}")
    await page.get_by_role("row", name="Not at OpenTable").get_by_role("link").click()
    await expect(page.locator(".story")).to_contain_text("Taken into the book")


async def test_a_held_plan_is_carried_out_by_a_manager(stand: Stand, visit: Visit) -> None:
    held = await stand.hold()
    page = await visit("manager", f"report/{held}")
    await expect(page.locator("main .note")).to_contain_text("Held: nothing was changed")
    await page.get_by_role("button", name="Carry out this plan …").click()
    await page.get_by_role("button", name="Carry it out").click()
    await expect(page.locator("main .note")).to_contain_text("25 corrected")


async def test_a_host_reads_a_held_plan_and_no_more(stand: Stand, visit: Visit) -> None:
    held = await stand.hold()
    page = await visit("host", f"report/{held}")
    await expect(page.get_by_role("row").filter(has_text="Held back")).to_have_count(25)
    await expect(page.get_by_role("button", name="Carry out this plan …")).to_have_count(0)


async def test_an_unknown_report_says_so(visit: Visit) -> None:
    page = await visit(screen="report/none")
    await expect(page.locator("main")).to_contain_text("There is no report of this id")
