"""The ways by which a change comes of itself, under one small interface."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from tests.behaviour.counter import use_single_row_opentable
from tests.behaviour.telling import RESERVATION_KEY, SampleEvent, sample_as_envelope, sample_as_row
from tests.front_door import call_webhook
from tests.page import StoredLedger
from tests.world import World


class ChannelUnderTest(Protocol):
    """A way into the ledger.

    Attributes:
        not_applicable: Tests that cannot apply to it, and why.
    """

    not_applicable: ClassVar[Mapping[str, str]]

    def __init__(self, world: World) -> None: ...

    async def deliver(self, event: SampleEvent) -> None:
        """Have something said."""

    async def document(self) -> dict[str, Any]:
        """Return the reservation's document."""

    async def journal(self) -> dict[str, dict[str, Any]]:
        """Return its journal."""

    async def rejections(self) -> list[str]:
        """Return the reasons of all that could not be applied."""


class OpenTableChannel:
    """What the sources of OpenTable's reservations have in common to look at."""

    not_applicable: ClassVar[Mapping[str, str]] = {}

    def __init__(self, world: World) -> None:
        self._world = world
        self._stored_ledger = StoredLedger(world.services.firestore, world.settings())

    async def document(self) -> dict[str, Any]:
        return await self._stored_ledger.document(RESERVATION_KEY)

    async def journal(self) -> dict[str, dict[str, Any]]:
        return await self._stored_ledger.journal(RESERVATION_KEY)

    async def rejections(self) -> list[str]:
        return [item["reason"] for item in await self._stored_ledger.quarantine_items()]


class EnvelopeWebhookChannel(OpenTableChannel):
    """A relay's envelope."""

    async def deliver(self, event: SampleEvent) -> None:
        body = sample_as_envelope(event, self._world.restaurant.id)
        await call_webhook(self._world.services, json.dumps(body).encode())


class RowWebhookChannel(OpenTableChannel):
    """OpenTable's own webhook."""

    async def deliver(self, event: SampleEvent) -> None:
        body = sample_as_row(event, self._world.restaurant.rid)
        await call_webhook(self._world.services, json.dumps(body).encode())


class PollChannel(OpenTableChannel):
    """A row that the poll finds."""

    async def deliver(self, event: SampleEvent) -> None:
        with use_single_row_opentable(self._world) as counter:
            counter.row = sample_as_row(event, self._world.restaurant.rid)
            assert (await self._world.poll())["status"] == "ok"


class ReconciliationChannel(OpenTableChannel):
    """A row that reconciliation finds."""

    async def deliver(self, event: SampleEvent) -> None:
        with use_single_row_opentable(self._world) as counter:
            counter.row = sample_as_row(event, self._world.restaurant.rid)
            assert (await self._world.reconcile())["status"] == "COMPLETED"
