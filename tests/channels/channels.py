"""An OpenTable that shows one row, as it is told to, whatever it is asked.

One thing that is said about a reservation, before any source has put it in its own words.

The ways by which a change comes of itself, under one small interface.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.opentable.client import OpenTableClient
from shared.opentable.transport import build_session
from tests.support.events import envelope_body, row_body
from tests.support.ledger import StoredLedger
from tests.support.opentable import ScriptedAdapter, ScriptedResponse
from tests.support.webhooks import call_webhook
from tests.support.world import World


class SingleRowOpenTable:
    """Where a row is shown.

    Attributes:
        row: The row, None while there is none.
    """

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = None
        self.adapter = ScriptedAdapter()
        self.adapter.steps.append(self._respond)

    def _respond(self) -> ScriptedResponse:
        _, _, _, kind, *one = urlsplit(self.adapter.requests[-1].url or "").path.split("/")
        if one:
            return ScriptedResponse(self.row)
        items = [self.row] if self.row and kind == "reservations" else []
        return ScriptedResponse({"hasNextPage": False, "offset": 0, "limit": 1_000, "items": items})


@contextmanager
def use_single_row_opentable(world: World) -> Iterator[SingleRowOpenTable]:
    """Have a world's services ask a counter in the sandbox's place."""
    counter, session, services = SingleRowOpenTable(), build_session(1), world.services
    session.mount("https://", counter.adapter)
    urls = services.environment.api_url, services.environment.oauth_url
    client = OpenTableClient(*urls, session, world.executor)
    world.services = replace(services, opentable_client=lambda: client)
    yield counter
    world.services = services


RESERVATION_KEY = "ot_1"
_ROW_FIELD_NAMES = {"partySize": "party_size", "status": "state"}


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """What is said, and its place in its speaker's order.

    Attributes:
        version: 1 to 30; a higher one was said later.
        fields: Values by the envelope's field names.
        is_complete: Whether all else is said as well: a confirmed table for four.
    """

    version: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_complete: bool = True


def complete_event(version: int, **said: Any) -> SampleEvent:
    """Return a whole statement."""
    return SampleEvent(version, said)


def partial_event(version: int, **said: Any) -> SampleEvent:
    """Return a statement that says nothing but this."""
    return SampleEvent(version, said, is_complete=False)


def sample_as_envelope(event: SampleEvent, restaurant_id: str) -> dict[str, Any]:
    """Return a relay's envelope."""
    fields: dict[str, Any] = {"restaurantId": restaurant_id, **event.fields}
    kind = "created" if event.is_complete else "updated"
    if fields.get("status") == "Cancelled":
        kind = "cancelled"
    return {**envelope_body(kind, event.version, **fields), "id": f"event_{event.version}"}


def sample_as_row(event: SampleEvent, rid: str) -> dict[str, Any]:
    """Return one of OpenTable's own objects."""
    fields = {_ROW_FIELD_NAMES.get(name, name): value for name, value in event.fields.items()}
    complete = row_body(event.version, **fields, rid=int(rid), id=f"{rid}-{RESERVATION_KEY}")
    if event.is_complete:
        return complete
    included = {"id", "rid", "sequence_id", "updated_at_utc", *fields}
    return {name: value for name, value in complete.items() if name in included}


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
