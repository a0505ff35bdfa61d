"""A restaurant's world with a hand on its guestbook, and an eye on what is held of guests."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.cloud.firestore import (
    AsyncCollectionReference,
    AsyncDocumentReference,
    DocumentSnapshot,
)

from dev.sandbox.answers import OPENTABLE_PRODUCTION_URL
from dev.sandbox.guestbook import GuestActions
from dev.sandbox.records import SandboxReservation
from dev.sandbox.rows import RenderContext, build_webhook_row
from shared.edge import paths
from shared.edge.intake import QuarantineResult
from shared.edge.learning import fetch_guest_after_commit
from shared.edge.ledger import ApplyResult
from tests.world import START_TIME, World

GUEST_VISIT_TIME = START_TIME + timedelta(days=2)


@dataclass(frozen=True, slots=True)
class GuestScenario:
    """A world and its guestbook."""

    world: World

    @property
    def guests(self) -> GuestActions:
        """Changes OpenTable's guests."""
        return GuestActions(self.world.sandbox.store, int(self.world.restaurant.rid))

    def count_requests(self, *routes: str) -> int:
        """Return how many requests OpenTable had, all or those of some routes."""
        counts = self.world.sandbox.request_counts
        return sum(counts[route] for route in routes) if routes else counts.total()

    def row(self, reservation: SandboxReservation, **fields: Any) -> dict[str, Any]:
        """Return a reservation as the v3 webhook tells it now."""
        book = self.world.sandbox.store
        current = book.get_reservation(reservation.rid, reservation.key) or reservation
        view = RenderContext(
            "gold", book.get_restaurant(current.rid).zone, OPENTABLE_PRODUCTION_URL
        )
        return {**build_webhook_row(current, view), **fields}

    async def ingest_and_fetch_guest(
        self, reservation: SandboxReservation, **fields: Any
    ) -> ApplyResult | QuarantineResult:
        """Have the v3 webhook tell of a reservation, and fetch its guest as the webhook does."""
        result = await self.world.ingest_row(self.row(reservation, **fields))
        if isinstance(result, ApplyResult):
            await fetch_guest_after_commit(self.world.services, self.world.settings(), result)
        return result

    async def shown_diner(
        self, reservation: SandboxReservation
    ) -> tuple[str, str | None, str | None]:
        """Return the name, phone and e-mail that a reservation shows."""
        document = (await self.world.ledger_documents())[reservation.key.lower()]
        return document["dinerName"], document["phone"], document["email"]

    async def stored_guests(self) -> dict[str, dict[str, Any]]:
        """Return what is held of guests, by key."""
        guests = paths.guests_collection(
            self.world.services.firestore, self.world.restaurant.id
        ).stream()
        return {guest.id: guest.to_dict() or {} async for guest in guests}

    async def all_documents(self) -> dict[str, dict[str, Any]]:
        """Return every document of the project by its path."""
        by_path: dict[str, dict[str, Any]] = {}
        collections = [each async for each in self.world.services.firestore.collections()]
        while collections:
            read = await asyncio.gather(*map(_read_collection, collections))
            documents = [each for some in read for each in some]
            by_path |= {each.reference.path: each.to_dict() or {} for each in documents}
            subcollections = await asyncio.gather(
                *(_subcollections(each.reference) for each in documents)
            )
            collections = [each for some in subcollections for each in some]
        return by_path

    async def journal(self, reservation: SandboxReservation) -> dict[str, dict[str, Any]]:
        """Return a reservation's journal by entry id."""
        client, restaurant_id = self.world.services.firestore, self.world.restaurant.id
        document = paths.reservation_document(client, restaurant_id, reservation.key.lower())
        entries = paths.journal_collection(document).stream()
        return {entry.id: entry.to_dict() or {} async for entry in entries}


async def _read_collection(collection: AsyncCollectionReference) -> list[DocumentSnapshot[Any]]:
    """Return a collection's documents, those too that are nothing but a place for others."""
    client = collection._client
    references = [each async for each in collection.list_documents()]
    return [each async for each in client.get_all(references)]


async def _subcollections(reference: AsyncDocumentReference) -> list[AsyncCollectionReference]:
    return [each async for each in reference.collections()]
