"""A restaurant with guest actions, reads of stored guests, and a diner with marked data."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from functions.webhook import fetch_guest_after_commit
from sandbox.actions import GuestActions
from sandbox.api import OPENTABLE_PRODUCTION_URL
from sandbox.models import SandboxGuest, SandboxReservation
from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.domain.normalization.webhook_body import WebhookFormat
from shared.errors import InvalidEventError
from shared.firestore import paths
from shared.ingest.events import QuarantineResult
from shared.ledger.ledger import ApplyResult
from shared.quarantine.store import quarantine_event
from tests.support.world import START_TIME, World

GUEST_VISIT_TIME = START_TIME + timedelta(days=2)


@dataclass(frozen=True, slots=True)
class GuestScenario:
    """A world and its guestbook."""

    world: World

    @property
    def guests(self) -> GuestActions:
        """Changes OpenTable's guests."""
        return GuestActions(self.world.sandbox.store, int(self.world.restaurant.rid))

    def book(self, guest_key: str | None = None, **options: Any) -> SandboxReservation:
        """Create a reservation for two at OpenTable."""
        return self.world.actions.create(GUEST_VISIT_TIME, 2, guest_key=guest_key, **options)

    async def poll(self) -> None:
        """Run a poll 15 minutes later; it must succeed."""
        self.world.clock.advance(900)
        assert (await self.world.poll())["status"] == "ok"

    def count_requests(self, *routes: str) -> int:
        """Return how many requests OpenTable had, all or those of some routes."""
        counts = self.world.sandbox.request_counts
        return sum(counts[route] for route in routes) if routes else counts.total()

    def row(self, reservation: SandboxReservation, **fields: Any) -> dict[str, Any]:
        """Return the current v3 webhook object of a reservation."""
        book = self.world.sandbox.store
        current = book.get_reservation(reservation.rid, reservation.key) or reservation
        view = RenderContext(
            "gold", book.get_restaurant(current.rid).zone, OPENTABLE_PRODUCTION_URL
        )
        return {**build_webhook_row(current, view), **fields}

    async def ingest_and_fetch_guest(
        self, reservation: SandboxReservation, **fields: Any
    ) -> ApplyResult | QuarantineResult:
        """Ingest a reservation's v3 webhook and fetch its guest."""
        result = await self.world.ingest_row(self.row(reservation, **fields))
        if isinstance(result, ApplyResult):
            await fetch_guest_after_commit(self.world.restaurant_context(), result)
        return result

    async def shown_diner(
        self, reservation: SandboxReservation
    ) -> tuple[str, str | None, str | None]:
        """Return the name, phone and e-mail of a document."""
        document = (await self.world.ledger_documents())[reservation.key.lower()]
        return document["dinerName"], document["phone"], document["email"]

    async def stored_guests(self) -> dict[str, dict[str, Any]]:
        """Return the stored guests by key."""
        guests = paths.guests_collection(
            self.world.context.firestore, self.world.restaurant.id
        ).stream()
        return {guest.id: guest.to_dict() or {} async for guest in guests}

    async def all_documents(self) -> dict[str, dict[str, Any]]:
        """Return every document of the project by its path."""
        return await self.world.all_documents()

    async def journal(self, reservation: SandboxReservation) -> dict[str, dict[str, Any]]:
        """Return a reservation's journal by entry id."""
        client, restaurant_id = self.world.context.firestore, self.world.restaurant.id
        document = paths.reservation_document(client, restaurant_id, reservation.key.lower())
        entries = paths.journal_collection(document).stream()
        return {entry.id: entry.to_dict() or {} async for entry in entries}


_DINER_MARKS = ("marked", "5559876", "zoë", "zo\\u00eb")
_INVALID_PARTY_SIZE = InvalidEventError("invalid_partySize", "partySize must be a whole number.")

DINER_FIELDS = {"dinerName": "Zoë Marked", "dinerEmail": "Zoe.Marked@example.com"} | {
    "dinerPhone": "(212) 555-9876",
    "specialRequests": "marked request of a relay",
}


def find_marked_fields(documents: dict[str, dict[str, Any]]) -> list[str]:
    """Return the document and field paths with a mark."""
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
    """A guest whose personal data has marks, known from webhooks, relays, polls and staff.

    One of `reservations` belongs to a guest merged into this one.
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
        """Return the paths with the diner's data."""
        return find_marked_fields(await self.scenario.all_documents())

    async def create_everywhere(self) -> None:
        """Create reservations, events and quarantined bodies of the diner."""
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
        actions = self.world.actions
        reservation = actions.create(
            GUEST_VISIT_TIME, 2, guest_key=key, request="marked wish", tags=("marked visit",)
        )
        self.reservations.append(reservation)
        await self.send_envelope("created", reservation, partySize=2, **DINER_FIELDS)
        for change in (None, "marked by the host", "marked again"):
            if change is not None:
                reservation = actions.set_notes(reservation.key, change)
            self.rows.append(self.scenario.row(reservation))
            await self.scenario.ingest_and_fetch_guest(reservation)
        await self.send_envelope("updated", reservation, cancellationReason="marked reason")

    async def send_envelope(self, kind: str, reservation: SandboxReservation, **data: Any) -> None:
        """Send a relay's envelope about a reservation."""
        self.world.clock.advance(1)
        body = {
            "eventType": f"reservation.{kind}",
            "id": f"letter-{len(self.envelopes)}",
            "timestamp": self.world.clock().isoformat(),
            "data": {"reservationId": reservation.key, **data},
        }
        self.envelopes.append(body)
        await self.world.ingest(body, WebhookFormat.ENVELOPE)

    async def _poll(self) -> None:
        self.world.clock.advance(60)
        assert (await self.world.poll())["status"] == "ok"

    async def _quarantine_bodies(self) -> None:
        """Quarantine bodies with the diner's id, name, number or address."""
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
        """Send all earlier events again, under their old ids and under new ones."""
        for row in self.rows:
            later = row | {"sequence_id": int(row["sequence_id"]) + 10_000}
            bare = {"id": str(row["id"]).partition("-")[2].upper(), "sequence_id": 3}
            for body in (row, row | bare, later):
                await self.world.ingest_row(body)
        for envelope in self.envelopes:
            for body in (envelope, envelope | {"id": f"again-{envelope['id']}"}):
                await self.world.ingest(body, WebhookFormat.ENVELOPE)


def _add_notes(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes="marked note", tags=("marked tag",))


async def quarantine_text(world: World, text: str) -> None:
    """Quarantine a body."""
    await quarantine_event(
        world.restaurant_context(), text, "application/json", _INVALID_PARTY_SIZE
    )


async def clear_poll_cursor(world: World) -> None:
    """Delete the poll's cursor, so that the next poll is a first one."""
    await world.integration_document.update({"poll.cursor": None})
