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
from tests.edge.guest_party import SOON, Party
from tests.world import World

_MARKS = ("marked", "5559876", "zoë", "zo\\u00eb")
_ODD = InvalidEventError("invalid_partySize", "partySize must be a whole number.")
ENVELOPE = {"dinerName": "Zoë Marked", "dinerEmail": "Zoe.Marked@example.com"} | {
    "dinerPhone": "(212) 555-9876",
    "specialRequests": "marked request of a relay",
}


def places_of(documents: dict[str, dict[str, Any]]) -> list[str]:
    """Return the places, as a document's path and a field's, where a mark stands."""
    return [
        f"{path}: {name}"
        for path, document in documents.items()
        for name, value in _texts("", document)
        if any(mark in value.casefold() for mark in _MARKS)
    ]


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{name}.{number}", inner)
    else:
        yield name, str(value)


@dataclass
class MarkedDiner:
    """A guest with reservations at OpenTable, told of by webhooks, relays, polls and hosts.

    Attributes:
        party: The restaurant.
        key: The guest's.
        booked: The reservations, one of them under the name of a guest merged into this one.
        rows: What OpenTable's webhooks said.
        letters: What relays said.
    """

    party: Party
    key: str = ""
    booked: list[SandboxReservation] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)

    @property
    def world(self) -> World:
        """Both sides of the restaurant."""
        return self.party.world

    async def places(self) -> list[str]:
        """Return the places where the diner is."""
        return places_of(await self.party.everything())

    async def settle_in(self) -> None:
        """Have the diner book, be talked about, and be kept aside."""
        guests = self.party.guests
        self.key = guests.add("Zoë", "Marked", "Zoe.Marked@example.com", "2125559876").key
        book, rid = self.world.sandbox.store, int(self.world.restaurant.rid)
        book.update_guest(rid, self.key, _described)
        loser = guests.add("Z.", "Marked-Loser", "loser.marked@example.com")
        for key in (self.key, self.key, self.key, loser.key):
            await self._book(key)
        guests.merge(loser.key, self.key)
        await self._poll()
        await self._keep_aside()
        await self.world.reconcile()

    async def _book(self, key: str) -> None:
        desk = self.world.desk
        booked = desk.create(SOON, 2, guest_key=key, request="marked wish", tags=("marked visit",))
        self.booked.append(booked)
        await self.letter("created", booked, partySize=2, **ENVELOPE)
        for change in (None, "marked by the host", "marked again"):
            if change is not None:
                booked = desk.set_notes(booked.key, change)
            self.rows.append(self.party.row(booked))
            await self.party.hear(booked)
        await self.letter("updated", booked, cancellationReason="marked reason")

    async def letter(self, kind: str, booked: SandboxReservation, **data: Any) -> None:
        """Have a relay speak of a reservation."""
        self.world.clock.advance(1)
        body = {
            "eventType": f"reservation.{kind}",
            "id": f"letter-{len(self.letters)}",
            "timestamp": self.world.clock().isoformat(),
            "data": {"reservationId": booked.key, **data},
        }
        self.letters.append(body)
        await self.world._take_in(WebhookFormat.ENVELOPE, body)

    async def _poll(self) -> None:
        self.world.clock.advance(60)
        assert (await self.world.poll())["status"] == "ok"

    async def _keep_aside(self) -> None:
        """Have bodies kept aside that tell of the diner by an id, a name, a number, an address."""
        rid, booked = self.world.restaurant.rid, self.booked[0]
        for body in (
            {"data": {"reservationId": booked.key, "notes": "marked", "partySize": 0}},
            {"id": f"{rid}-{booked.key.upper()}", "rid": int(rid), "guest_request": "marked"},
            {"rid": int(rid), "id": "?", "guest_id": f"{rid}-{self.key}", "venue_notes": "marked"},
            {"data": {"guest_name": "zoë  MARKED", "notes": "marked", "partySize": 0}},
            {"data": {"email": "zoe.marked@EXAMPLE.com", "partySize": 0}},
            {"data": {"phone": "+1 212-555-9876", "notes": "marked", "partySize": 0}},
            {"data": {"notes": "Call me at 212.555.9876, marked", "partySize": 0}},
            {"data": ["Zoë Marked"]},
            "Zoë Marked",
            ["marked", "Zoë Marked"],
        ):
            await keep(self.world, json.dumps(body))

    async def replay(self) -> None:
        """Tell all that was ever said again, under the old ids of the events and under new ones."""
        for row in self.rows:
            later = row | {"sequence_id": int(row["sequence_id"]) + 10_000}
            bare = {"id": str(row["id"]).partition("-")[2].upper(), "sequence_id": 3}
            for told in (row, row | bare, later):
                await self.world.take_in(told)
        for letter in self.letters:
            for told in (letter, letter | {"id": f"again-{letter['id']}"}):
                await self.world._take_in(WebhookFormat.ENVELOPE, told)


def _described(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes="marked note", tags=("marked tag",))


async def keep(world: World, text: str) -> None:
    """Have a body kept aside."""
    await quarantine_event(world.services, world.settings(), text, "application/json", _ODD)


async def forget_cursor(world: World) -> None:
    """Take the poll's cursor away, so that the next poll is a first one."""
    integration = paths.integration_document(world.services.firestore, world.restaurant.id)
    await integration.update({"poll.cursor": None})
