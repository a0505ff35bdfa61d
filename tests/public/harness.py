"""One restaurant's staff page, with access to both of its sides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from google.cloud.firestore import AsyncClient
from playwright.async_api import Browser, BrowserContext, Page, expect

from dev.local.demo_data import build_native_reservations
from shared.domain.days import ServiceDay
from shared.domain.settings import DEFAULT_SERVICE_DAY_END
from shared.firestore import paths
from tests.support.opentable import LocalOpenTable
from tests.support.restaurants import Restaurant
from tests.support.webhooks import WebhookSender, response_status

PAGE_DAY = "2026-03-14"
NOON = datetime(2026, 3, 14, 16, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


BROWSER_TIMEOUT_MS = 15_000  # others may be busy on the same machine
# Tests provoke failed requests, and Playwright itself blocks the service worker.
# Chromium sometimes gives a hint about a form for secrets while it is redrawn.
_EXPECTED_LINES = ("Failed to load resource", "blocked by Playwright", "[DOM] Password forms")


def is_unexpected(line: str) -> bool:
    """Whether the page must not write this line to the console."""
    return not any(part in line for part in _EXPECTED_LINES)


async def close_context(context: BrowserContext) -> None:
    """Close a browser context, also while it handles a routed request.

    Otherwise the handler's error is raised in the next test.
    """
    await context.unroute_all(behavior="ignoreErrors")
    for page in context.pages:
        await page.unroute_all(behavior="ignoreErrors")
    await context.close()


@dataclass(frozen=True, slots=True)
class BrowserPages:
    """The pages of one test, each in a context of its own, and the errors in them."""

    browser: Browser
    errors: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def open_blank(self, **options: object) -> Page:
        """Open an empty page that records its errors."""
        # Playwright cannot intercept the requests of a page with a service worker.
        options = {"service_workers": "block", **options}
        context = await self.browser.new_context(**options)  # type: ignore[arg-type] # Playwright's own
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._record_line(message.text))
        return page

    def _record_line(self, line: str) -> None:
        if is_unexpected(line):
            self.errors.append(line)

    async def close(self) -> None:
        """Close the pages."""
        for context in self.contexts:
            await close_context(context)


def optional_year(text: str) -> re.Pattern[str]:
    """Match a text with a date in the year of `PAGE_DAY`; `*` is where another year shows it."""
    pattern = re.escape(text).replace(r"\*", "(, 2026)?").replace(r"\ ", r"\s")
    return re.compile(f"^{pattern}$")


async def expect_day(page: Page, text: str) -> None:
    """Wait until the heading is a day, with its year in any other year."""
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(optional_year(f"{text}*"))


def service_day() -> str:
    """Return today's service day, which ends at 04:00 in New York, as an ISO date."""
    return ServiceDay.at(datetime.now(UTC), DEFAULT_SERVICE_DAY_END, NEW_YORK).date.isoformat()


def url_ending(ending: str) -> re.Pattern[str]:
    """Match the addresses with an ending."""
    return re.compile(f"{re.escape(ending)}$")


@dataclass(frozen=True, slots=True)
class PageHarness:
    """A restaurant with its page, its Firestore client, its webhook sender and its OpenTable."""

    browser_pages: BrowserPages
    url: str
    http: httpx.AsyncClient
    client: AsyncClient
    sender: WebhookSender
    opentable: LocalOpenTable

    @property
    def restaurant(self) -> Restaurant:
        """The page's restaurant."""
        return self.sender.restaurant

    async def open_page(
        self,
        role: str = "host",
        screen: str = f"reservations/{PAGE_DAY}",
        now: datetime | None = None,
        **options: object,
    ) -> Page:
        """Open the page at a screen as one of the demo's staff."""
        page = await self.browser_pages.open_blank(**options)
        if now:
            # Only the page's clock is fixed; timers run.
            await page.clock.set_fixed_time(now)
        await page.goto(f"{self.url}/#/{self.restaurant.id}/{screen}")
        await page.get_by_role("button", name=f"View as {role}").click()
        await page.locator("main#main:not(.sign-in)").wait_for()
        # One window has the focus, and others may be open.
        await page.bring_to_front()
        return page

    async def send_envelope(self, kind: str = "created", minute: int = 0, **data: Any) -> None:
        """Have an envelope come by webhook (see `tests.support.events.envelope_body`)."""
        answer = await self.sender.send(self.sender.envelope(kind, minute, **data))
        assert answer.status_code == 200, answer.text

    async def send_invalid_envelope(self) -> None:
        """Send an envelope that cannot be applied."""
        answer = await self.sender.send(self.sender.envelope(partySize="many"))
        assert response_status(answer) == (202, "quarantined")

    async def write_native_reservations(self) -> None:
        """Write the demo's reservations of Lineup's own, on `PAGE_DAY`."""
        reservations = paths.reservations_collection(self.client, self.restaurant.id)
        for document in build_native_reservations(self.restaurant.id, NEW_YORK, NOON):
            await reservations.document(document["id"]).set(document)

    async def replace_reservations(self, reservations: Iterable[dict[str, Any]]) -> None:
        """Write reservations with the given fields, otherwise like the demo's, and no others."""
        await self.write_native_reservations()
        collection = paths.reservations_collection(self.client, self.restaurant.id)
        pattern = (await collection.document("lineup-7").get()).to_dict() or {}
        async for document in collection.list_documents():
            await document.delete()
        batch = self.client.batch()
        for fields in reservations:
            batch.set(collection.document(fields["id"]), pattern | fields)
        await batch.commit()

    async def make_both_sides_equal(self) -> None:
        """Create one reservation on both sides, and reconcile without differences."""
        self.opentable.book_at(self.restaurant.rid, 4)
        await self.poll()
        await self.reconcile()
        await self.reconcile()

    async def poll(self) -> None:
        """Run a poll."""
        request = {"restaurantId": self.restaurant.id}
        response = await self.http.post(f"{self.url}/opentable-poll", json=request)
        assert response.status_code == 200, response.text

    async def reconcile(self) -> dict[str, Any]:
        """Reconcile `PAGE_DAY` and return the response."""
        request = {"restaurantId": self.restaurant.id, "startDate": PAGE_DAY, "endDate": PAGE_DAY}
        response = await self.http.post(f"{self.url}/opentable-reconcile", json=request)
        assert response.status_code == 200, response.text
        report: dict[str, Any] = response.json()["reports"][0]
        return report

    async def create_divergence(self) -> None:
        """Reconcile with a reservation that OpenTable does not list."""
        self.opentable.book_at(self.restaurant.rid, 4)
        await self.send_envelope()
        await self.reconcile()

    async def create_held_report(self) -> str:
        """Have the hourly check find too much to correct by itself; the report's id."""
        first = self.opentable.book_at(self.restaurant.rid, 4)
        at = first.reservation.scheduled
        reservations = [first.reservation, *(first.actions.create(at, 4) for _ in range(24))]
        await self.reconcile()
        for each in reservations:
            first.actions.change_party_size(each.key, 6)
        report = await self.reconcile()
        assert report["status"] == "HELD"
        return str(report["reportId"])

    async def change_settings(self, **fields: Any) -> None:
        """Write settings past the API."""
        await paths.integration_document(self.client, self.restaurant.id).update(fields)
