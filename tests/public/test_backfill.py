"""A manager starts a backfill on the page and follows it to its end."""

from typing import Any

from playwright.async_api import Page, Route, expect

from tests.public.harness import PAGE_DAY, PageHarness

RUNNING_BACKFILL = {
    "status": "RUNNING",
    "startDate": "2026-02-13",
    "endDate": "2026-03-14",
    "daysDone": 10,
    "daysTotal": 30,
    "fetched": 412,
    "created": 400,
    "updated": 0,
    "unchanged": 12,
    "stale": 0,
    "quarantined": 0,
    "startedAt": "2026-03-14T15:00:00Z",
    "updatedAt": "2026-03-14T15:01:00Z",
    "finishedAt": None,
    "secondsLeft": 130,
    "error": None,
}


async def respond_with_backfill(page: Page, **changes: Any) -> None:
    """Replace the API's backfill response."""

    async def answer(route: Route) -> None:
        await route.fulfill(json=RUNNING_BACKFILL | changes)

    await page.route("**/integration/backfill", answer)


async def test_a_backfill_is_started_with_its_days(harness: PageHarness) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    page = await harness.open_page("manager", "integration")
    await page.get_by_label("From", exact=True).fill(PAGE_DAY)
    await page.get_by_label("To", exact=True).fill(PAGE_DAY)
    async with page.expect_request(
        lambda asked: asked.method == "POST" and "backfill" in asked.url
    ) as sent:
        await page.get_by_role("button", name="Start import").click()
    assert (await sent.value).post_data_json == {"startDate": PAGE_DAY, "endDate": PAGE_DAY}
    panel = page.locator(".panel", has=page.get_by_role("heading", name="Import"))
    await expect(panel).to_contain_text("of 1 day")
    await expect(page.get_by_role("button", name="Start import")).to_be_disabled()


async def test_progress_is_updated_with_an_estimate(harness: PageHarness) -> None:
    page = await harness.open_page("manager")
    await respond_with_backfill(page)
    await page.get_by_role("link", name="OpenTable connection").click()
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "10")
    await expect(page.locator(".progress")).to_contain_text("10 of 30 days, about 2 minutes left")
    await respond_with_backfill(page, daysDone=20, secondsLeft=30)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "20")
    await expect(page.locator(".progress")).to_contain_text("less than a minute left")


async def test_completion_is_shown(harness: PageHarness) -> None:
    page = await harness.open_page("manager")
    await respond_with_backfill(page)
    await page.get_by_role("link", name="OpenTable connection").click()
    await page.get_by_role("progressbar").wait_for()
    await respond_with_backfill(page, status="COMPLETED", daysDone=30, secondsLeft=None)
    note = page.locator(".note.good", has_text="The import is complete: 30 days.")
    await expect(note).to_be_visible()
    await expect(page.get_by_role("button", name="Start import")).to_be_enabled()


async def test_a_failed_backfill_shows_cause_and_advice(harness: PageHarness) -> None:
    page = await harness.open_page("manager")
    await respond_with_backfill(
        page, status="FAILED", error="OpenTable refused the credential: renew it."
    )
    await page.get_by_role("link", name="OpenTable connection").click()
    note = page.locator(".note.bad", has_text="The import stopped after 10 of 30 days.")
    await expect(note).to_contain_text("OpenTable refused the credential: renew it.")


async def test_a_rejected_start_shows_the_reason(harness: PageHarness) -> None:
    await harness.change_settings(enabled=False)
    page = await harness.open_page("manager", "integration")
    await page.get_by_role("button", name="Start import").click()
    await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(
        "The integration is disabled."
    )
