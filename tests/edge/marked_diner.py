"""A diner who is in everything that is stored, every personal word of whom bears a mark."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dev.sandbox.records import SandboxGuest, SandboxReservation
from shared.core.body import WebhookFormat
from shared.edge import paths
from shared.edge.keeping import quarantine_event
from shared.errors import InvalidEventError
from tests.edge.guest_party import GUEST_VISIT_TIME, GuestScenario
from tests.world import World

_DINER_MARKS = ("marked", "5559876", "zoë", "zo\\u00eb")
_INVALID_PARTY_SIZE = InvalidEventError("invalid_partySize", "partySize must be a whole number.")
DINER_FIELDS = {"dinerName": "Zoë Marked", "dinerEmail": "Zoe.Marked@example.com"} | {
    "dinerPhone": "(212) 555-9876",
    "specialRequests": "marked request of a relay",
}


def find_marked_fields(documents: dict[str, dict[str, Any]]) -> list[str]:
    """Return the places, as a document's path and a field's, where a mark stands."""
    return [
        f"{path}: {name}"
        for path, document in documents.items()
        for name, value in _field_texts("", document)
        if any(mark in value.casefold() for mark in _DINER_MARKS)
    ]


def _field_texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _field_texts(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _field_texts(f"{name}.{number}", inner)
    else:
        yield name, str(value)


@dataclass
class MarkedDiner:
    """A guest with reservations at OpenTable, told of by webhooks, relays, polls and hosts.

    Attributes:
        scenario: The restaurant.
        key: The guest's.
        reservations: The reservations, one of them under the name of a guest merged into this one.
        rows: What OpenTable's webhooks said.
        envelopes: What relays said.
    """

    scenario: GuestScenario
    key: str = ""
    reservations: list[SandboxReservation] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    envelopes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def world(self) -> World:
        """Both sides of the restaurant."""
        return self.scenario.world

    async def marked_fields(self) -> list[str]:
        """Return the places where the diner is."""
        return find_marked_fields(await self.scenario.all_documents())

    async def create_everywhere(self) -> None:
        """Have the diner book, be talked about, and be kept aside."""
        guests = self.scenario.guests
        self.key = guests.add("Zoë", "Marked", "Zoe.Marked@example.com", "2125559876").key
        book, rid = self.world.sandbox.store, int(self.world.restaurant.rid)
        book.update_guest(rid, self.key, _add_notes)
        loser = guests.add("Z.", "Marked-Loser", "loser.marked@example.com")
        for key in (self.key, self.key, self.key, loser.key):
            await self._book(key)
        guests.merge(loser.key, self.key)
        await self._poll()
        await self._quarantine_bodies()
        await self.world.reconcile()

    async def _book(self, key: str) -> None:
        desk = self.world.desk
        reservation = desk.create(
            GUEST_VISIT_TIME, 2, guest_key=key, request="marked wish", tags=("marked visit",)
        )
        self.reservations.append(reservation)
        await self.send_envelope("created", reservation, partySize=2, **DINER_FIELDS)
        for change in (None, "marked by the host", "marked again"):
            if change is not None:
                reservation = desk.set_notes(reservation.key, change)
            self.rows.append(self.scenario.row(reservation))
            await self.scenario.ingest_and_fetch_guest(reservation)
        await self.send_envelope("updated", reservation, cancellationReason="marked reason")

    async def send_envelope(self, kind: str, reservation: SandboxReservation, **data: Any) -> None:
        """Have a relay speak of a reservation."""
        self.world.clock.advance(1)
        body = {
            "eventType": f"reservation.{kind}",
            "id": f"letter-{len(self.envelopes)}",
            "timestamp": self.world.clock().isoformat(),
            "data": {"reservationId": reservation.key, **data},
        }
        self.envelopes.append(body)
        await self.world._ingest(WebhookFormat.ENVELOPE, body)

    async def _poll(self) -> None:
        self.world.clock.advance(60)
        assert (await self.world.poll())["status"] == "ok"

    async def _quarantine_bodies(self) -> None:
        """Have bodies kept aside that tell of the diner by an id, a name, a number, an address."""
        rid, reservation = self.world.restaurant.rid, self.reservations[0]
        for body in (
            {"data": {"reservationId": reservation.key, "notes": "marked", "partySize": 0}},
            {"id": f"{rid}-{reservation.key.upper()}", "rid": int(rid), "guest_request": "marked"},
            {"rid": int(rid), "id": "?", "guest_id": f"{rid}-{self.key}", "venue_notes": "marked"},
            {"data": {"guest_name": "zoë  MARKED", "notes": "marked", "partySize": 0}},
            {"data": {"email": "zoe.marked@EXAMPLE.com", "partySize": 0}},
            {"data": {"phone": "+1 212-555-9876", "notes": "marked", "partySize": 0}},
            {"data": {"notes": "Call me at 212.555.9876, marked", "partySize": 0}},
            {"data": ["Zoë Marked"]},
            "Zoë Marked",
            ["marked", "Zoë Marked"],
        ):
            await quarantine_text(self.world, json.dumps(body))

    async def resend_everything(self) -> None:
        """Tell all that was ever said again, under the old ids of the events and under new ones."""
        for row in self.rows:
            later = row | {"sequence_id": int(row["sequence_id"]) + 10_000}
            bare = {"id": str(row["id"]).partition("-")[2].upper(), "sequence_id": 3}
            for body in (row, row | bare, later):
                await self.world.ingest_row(body)
        for envelope in self.envelopes:
            for body in (envelope, envelope | {"id": f"again-{envelope['id']}"}):
                await self.world._ingest(WebhookFormat.ENVELOPE, body)


def _add_notes(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes="marked note", tags=("marked tag",))


async def quarantine_text(world: World, text: str) -> None:
    """Have a body kept aside."""
    await quarantine_event(
        world.services, world.settings(), text, "application/json", _INVALID_PARTY_SIZE
    )


async def clear_poll_cursor(world: World) -> None:
    """Take the poll's cursor away, so that the next poll is a first one."""
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"poll.cursor": None})
