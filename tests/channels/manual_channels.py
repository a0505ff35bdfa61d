"""Give the manual channels (replay, staff) the interface of the automatic ones."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from google.cloud.firestore import AsyncDocumentReference
from typing_extensions import override

from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore import paths
from shared.ingest.events import JSON_MEDIA_TYPE
from shared.ledger.staff_actions import cancel_native_reservation
from shared.quarantine.review import replay_quarantined_event
from shared.quarantine.store import quarantine_event
from tests.channels.channels import (
    EnvelopeWebhookChannel,
    LedgerChannel,
    PollChannel,
    ReconciliationChannel,
    RowWebhookChannel,
    SampleEvent,
    sample_as_envelope,
    sample_as_row,
)
from tests.support.reservations import write_native_reservation
from tests.support.world import World

_ONLY_CANCELS = "staff cancel Lineup's own reservations, now, and say nothing else"


class _ManualChannel(LedgerChannel):
    """A channel whose caller is told about a rejection."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rejections: list[str] = []

    @override
    async def attempt(self, event: SampleEvent) -> bool:
        try:
            await self._act(event)
        except ServiceUnavailableError:
            return False
        except InvalidEventError as error:
            self._rejections.append(error.reason)
            return False
        return True

    @abstractmethod
    async def _act(self, event: SampleEvent) -> None:
        """Deliver an event."""

    @override
    async def rejections(self) -> list[str]:
        return self._rejections


class ReplayedEnvelopeChannel(_ManualChannel):
    """A relay's envelope replayed from the quarantine; a rejected one stays there."""

    @override
    async def prepare(self, event: SampleEvent) -> None:
        restaurant = self._world.restaurant_context()
        body, rejection = self._body(event), InvalidEventError("held_back", "By the test.")
        entry = await quarantine_event(restaurant, json.dumps(body), JSON_MEDIA_TYPE, rejection)
        snapshot = await self._world.quarantine_collection.document(entry.id).get()
        self._item = snapshot.to_dict() or {}

    @override
    async def _act(self, event: SampleEvent) -> None:
        await replay_quarantined_event(self._world.restaurant_context(), self._item, "mara")

    def _body(self, event: SampleEvent) -> dict[str, Any]:
        return sample_as_envelope(event, self._world.restaurant.id)


class ReplayedRowChannel(ReplayedEnvelopeChannel):
    """OpenTable's own object out of the quarantine."""

    @override
    def _body(self, event: SampleEvent) -> dict[str, Any]:
        return sample_as_row(event, self._world.restaurant.rid)


class StaffChannel(_ManualChannel):
    """A cancellation by the staff; its request's key is the event's id, its reason the content.

    Each version cancels a reservation of its own.
    """

    not_applicable: ClassVar[Mapping[str, str]] = {
        "test_an_older_event_never_overwrites_a_newer_one": _ONLY_CANCELS,
        "test_a_partial_body_keeps_the_other_fields": _ONLY_CANCELS,
        "test_an_unknown_state_is_stored_as_text_and_does_not_change_the_status": _ONLY_CANCELS,
        "test_a_late_older_event_does_not_undo_a_cancellation": _ONLY_CANCELS,
        "test_a_newer_event_restores_a_cancelled_reservation": _ONLY_CANCELS,
        "test_unknown_fields_are_ignored": "the request's model refuses them before this",
    }

    @override
    async def prepare(self, event: SampleEvent) -> None:
        self._document_id = f"own-{event.version}"
        if not await self.document():
            await write_native_reservation(self._world, self._document_id)

    @override
    async def _act(self, event: SampleEvent) -> None:
        await cancel_native_reservation(
            self._world.restaurant_context(),
            self._document_id,
            user_uid="staff-1",
            reason=f"a party of {event.fields.get('partySize')}",
            idempotency_key=str(event.version),
        )

    @override
    async def document(self) -> dict[str, Any]:
        return (await self._reservation().get()).to_dict() or {}

    @override
    async def journal(self) -> dict[str, dict[str, Any]]:
        entries = paths.journal_collection(self._reservation()).stream()
        return {entry.id: entry.to_dict() or {} async for entry in entries}

    def _reservation(self) -> AsyncDocumentReference:
        return self._world.reservations_collection.document(self._document_id)


CHANNELS: list[type[LedgerChannel]] = [
    EnvelopeWebhookChannel,
    RowWebhookChannel,
    PollChannel,
    ReconciliationChannel,
    ReplayedEnvelopeChannel,
    ReplayedRowChannel,
    StaffChannel,
]
