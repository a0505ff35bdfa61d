"""Ledgers with a fixed clock, and direct reads of the stored ledger."""

from dataclasses import dataclass
from typing import Any

from shared.context import RestaurantContext
from shared.domain.ledger.document import ReservationIdentity, diff_fields, render_document
from shared.domain.settings import IntegrationSettings
from shared.domain.validation import flatten_document
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.ledger import Ledger
from tests.support.events import RECEIVED
from tests.support.oracles import rebuild_state
from tests.support.restaurants import make_app_context


def new_test_ledger(client: FirestoreClient, settings: IntegrationSettings) -> Ledger:
    """Return a restaurant's ledger."""
    context = make_app_context(client, clock=lambda: RECEIVED)
    return Ledger(RestaurantContext(context, settings))


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """A restaurant's part of Firestore.

    Attributes:
        client: A client of the test's project.
        settings: The restaurant's.
    """

    client: FirestoreClient
    settings: IntegrationSettings

    async def document(self, key: str = "ot_1") -> dict[str, Any]:
        """Return a reservation's document, empty if there is none."""
        snapshot = await paths.reservation_document(
            self.client, self.settings.restaurant_id, key
        ).get()
        return snapshot.to_dict() or {}

    async def journal(self, key: str = "ot_1") -> dict[str, dict[str, Any]]:
        """Return a reservation's journal by entry id."""
        document = paths.reservation_document(self.client, self.settings.restaurant_id, key)
        entries = document.collection("ledgerEvents").stream()
        return {snapshot.id: snapshot.to_dict() or {} async for snapshot in entries}

    async def quarantine_items(self) -> list[dict[str, Any]]:
        """Return the items of the quarantine."""
        items = paths.quarantine_collection(self.client, self.settings.restaurant_id).stream()
        return [snapshot.to_dict() or {} async for snapshot in items]

    async def diff_from_journal(self, key: str = "ot_1") -> dict[str, Any]:
        """Return the differences between a document and its state rebuilt from the journal."""
        identity = ReservationIdentity(
            self.settings.restaurant_id, key, self.settings.require_zone()
        )
        rebuilt = rebuild_state((await self.journal(key)).values())
        return diff_fields(
            flatten_document(await self.document(key)), render_document(identity, rebuilt)
        )
