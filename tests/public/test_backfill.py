"""A backfill from the page: started, followed, and its end told."""

from typing import Any

from playwright.async_api import Page, Route, expect

from tests.public.conftest import Visit
from tests.public.stand import DAY, Stand

AT_WORK = {
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


async def play(page: Page, **changes: Any) -> None:
    """Have the API tell of a backfill from now on."""

    async def answer(route: Route) -> None:
        await route.fulfill(json=AT_WORK | changes)

    await page.route("**/integration/backfill", answer)


async def test_a_backfill_is_started_with_its_days(stand: Stand, visit: Visit) -> None:
    stand.opentable.booked(stand.restaurant.rid, 4)
    page = await visit("manager", "integration")
    await page.get_by_label("From", exact=True).fill(DAY)
    await page.get_by_label("To", exact=True).fill(DAY)
    async with page.expect_request(
        lambda asked: asked.method == "POST" and "backfill" in asked.url
    ) as sent:
        await page.get_by_role("button", name="Start the backfill").click()
    assert (await sent.value).post_data_json == {"startDate": DAY, "endDate": DAY}
    told = page.locator(".panel", has=page.get_by_role("heading", name="Backfill"))
    await expect(told).to_contain_text("of 1 day")
    await expect(page.get_by_role("button", name="Start the backfill")).to_be_disabled()


async def test_its_progress_is_followed_with_an_estimate(visit: Visit) -> None:
    page = await visit("manager")
    await play(page)
    await page.get_by_role("link", name="Integration").click()
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "10")
    await expect(page.locator(".progress")).to_contain_text("10 of 30 days, some 2 minutes left")
    await play(page, daysDone=20, secondsLeft=30)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "20")
    await expect(page.locator(".progress")).to_contain_text("less than a minute left")


async def test_its_end_is_told(visit: Visit) -> None:
    page = await visit("manager")
    await play(page)
    await page.get_by_role("link", name="Integration").click()
    await page.get_by_role("progressbar").wait_for()
    await play(page, status="COMPLETED", daysDone=30, secondsLeft=None)
    note = page.locator(".note.good", has_text="The backfill is complete: 30 days.")
    await expect(note).to_be_visible()
    await expect(page.get_by_role("button", name="Start the backfill")).to_be_enabled()


async def test_one_that_stopped_says_why_and_what_to_do(visit: Visit) -> None:
    page = await visit("manager")
    await play(page, status="FAILED", error="OpenTable refused the credential: renew it.")
    await page.get_by_role("link", name="Integration").click()
    note = page.locator(".note.bad", has_text="The backfill stopped after 10 of 30 days.")
    await expect(note).to_contain_text("OpenTable refused the credential: renew it.")


async def test_a_refused_start_says_why(stand: Stand, visit: Visit) -> None:
    await stand.change_settings(enabled=False)
    page = await visit("manager", "integration")
    await page.get_by_role("button", name="Start the backfill").click()
    await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("switched off")
