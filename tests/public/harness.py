"""One restaurant's staff page, with access to both of its sides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from google.cloud.firestore import AsyncClient
from playwright.async_api import Page, expect

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

    url: str
    http: httpx.AsyncClient
    client: AsyncClient
    sender: WebhookSender
    opentable: LocalOpenTable

    @property
    def restaurant(self) -> Restaurant:
        """The page's restaurant."""
        return self.sender.restaurant

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
