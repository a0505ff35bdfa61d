"""A host stand: one restaurant's page, with both its sides at hand."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from google.cloud.firestore import AsyncClient

from dev.demo_day import build_native_reservations
from shared.edge import paths
from tests.local_opentable import LocalOpenTable
from tests.restaurants import Restaurant
from tests.sender import Sender, told

DAY = "2026-03-14"
NOON = datetime(2026, 3, 14, 16, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Stand:
    """One restaurant.

    Attributes:
        url: Where the bundle is served.
        http: Carries requests past the page.
        client: A client of its Firestore project.
        sender: Sends its webhooks.
        opentable: Its OpenTable.
    """

    url: str
    http: httpx.AsyncClient
    client: AsyncClient
    sender: Sender
    opentable: LocalOpenTable

    @property
    def restaurant(self) -> Restaurant:
        """Whose page it is."""
        return self.sender.restaurant

    async def hear(self, kind: str = "created", minute: int = 0, **data: Any) -> None:
        """Have an envelope come by webhook (see `tests.statements.envelope`)."""
        answer = await self.sender.send(self.sender.envelope(kind, minute, **data))
        assert answer.status_code == 200, answer.text

    async def quarantine(self) -> None:
        """Have an envelope come that cannot be applied."""
        answer = await self.sender.send(self.sender.envelope(partySize="many"))
        assert told(answer) == (202, "quarantined")

    async def take_own(self) -> None:
        """Write the demo's reservations of Lineup's own, on `DAY`."""
        reservations = paths.reservations_collection(self.client, self.restaurant.id)
        for document in build_native_reservations(self.restaurant.id, NEW_YORK, NOON):
            await reservations.document(document["id"]).set(document)

    async def agree(self) -> None:
        """Have one reservation on both sides, and the hourly check find nothing that differs."""
        self.opentable.booked(self.restaurant.rid, 4)
        await self.poll()
        await self.reconcile()
        await self.reconcile()

    async def poll(self) -> None:
        """Have OpenTable asked what changed."""
        asked = {"restaurantId": self.restaurant.id}
        answer = await self.http.post(f"{self.url}/opentable-poll", json=asked)
        assert answer.status_code == 200, answer.text

    async def reconcile(self) -> dict[str, Any]:
        """Have the hourly check run over `DAY`, and return what it answers."""
        asked = {"restaurantId": self.restaurant.id, "startDate": DAY, "endDate": DAY}
        answer = await self.http.post(f"{self.url}/opentable-reconcile", json=asked)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()["reports"][0]
        return report

    async def hold(self) -> str:
        """Have the hourly check find too much to correct by itself; the report's id."""
        first = self.opentable.booked(self.restaurant.rid, 4)
        at = first.reservation.scheduled
        booked = [first.reservation, *(first.desk.create(at, 4) for _ in range(24))]
        await self.reconcile()
        for each in booked:
            first.desk.change_party_size(each.key, 6)
        report = await self.reconcile()
        assert report["status"] == "HELD"
        return str(report["reportId"])

    async def change_settings(self, **fields: Any) -> None:
        """Write settings past the API."""
        await paths.integration_document(self.client, self.restaurant.id).update(fields)
