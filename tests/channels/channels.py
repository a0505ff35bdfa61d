"""Give every automatic channel one interface, so that all pass the same tests."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec.structs import replace
from typing_extensions import override

from shared.opentable.client import OpenTableClient
from shared.opentable.transport import build_session
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from tests.support.events import envelope_body, row_body
from tests.support.ledger import StoredLedger
from tests.support.opentable import ScriptedAdapter, ScriptedResponse
from tests.support.webhooks import call_webhook
from tests.support.world import World


class SingleRowOpenTable:
    """An OpenTable that returns one row, or none, for every request."""

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
    counter, session, context = SingleRowOpenTable(), build_session(1), world.context
    session.mount("https://", counter.adapter)
    urls = context.environment.api_url, context.environment.oauth_url
    client = OpenTableClient(*urls, session, world.executor)
    world.context = replace(context, get_opentable_client=lambda: client)
    yield counter
    world.context = context


RESERVATION_KEY = "ot_1"
_ROW_FIELD_NAMES = {"partySize": "party_size", "status": "state"}


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """A channel-independent event.

    `version` is 1 to 30; higher is later. `fields` uses the envelope's names. A complete event also
    contains a confirmed reservation for four.
    """

    version: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_complete: bool = True


def complete_event(version: int, **fields: Any) -> SampleEvent:
    """Return an event with all fields."""
    return SampleEvent(version, fields)


def partial_event(version: int, **fields: Any) -> SampleEvent:
    """Return an event with only these fields."""
    return SampleEvent(version, fields, is_complete=False)


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


class LedgerChannel(ABC):
    """A channel into the ledger; `not_applicable` maps a test's name to the reason to skip it."""

    not_applicable: ClassVar[Mapping[str, str]] = {}

    def __init__(self, world: World) -> None:
        self._world = world
        self._stored_ledger = StoredLedger(world.context.firestore, world.settings())

    async def deliver(self, event: SampleEvent) -> None:
        """Deliver an event; it must be acknowledged, or rejected with a reason."""
        await self.prepare(event)
        assert await self.attempt(event) or await self.rejections()

    async def prepare(self, event: SampleEvent) -> None:  # noqa: B027 -- most need nothing
        """Store what a delivery begins with."""

    @abstractmethod
    async def attempt(self, event: SampleEvent) -> bool:
        """Deliver a prepared event; return whether it was acknowledged."""

    async def document(self) -> dict[str, Any]:
        """Return the reservation's document."""
        return await self._stored_ledger.document(RESERVATION_KEY)

    async def journal(self) -> dict[str, dict[str, Any]]:
        """Return its journal."""
        return await self._stored_ledger.journal(RESERVATION_KEY)

    async def rejections(self) -> list[str]:
        """Return the reasons of all rejected events."""
        return [item["reason"] for item in await self._stored_ledger.quarantine_items()]


class EnvelopeWebhookChannel(LedgerChannel):
    """A relay's envelope."""

    @override
    async def attempt(self, event: SampleEvent) -> bool:
        body = sample_as_envelope(event, self._world.restaurant.id)
        return await _is_acknowledged_by_webhook(self._world, body)


class RowWebhookChannel(LedgerChannel):
    """OpenTable's own webhook."""

    @override
    async def attempt(self, event: SampleEvent) -> bool:
        body = sample_as_row(event, self._world.restaurant.rid)
        return await _is_acknowledged_by_webhook(self._world, body)


async def _is_acknowledged_by_webhook(world: World, body: dict[str, Any]) -> bool:
    code = await call_webhook(world.context, json.dumps(body).encode())
    assert code in {200, 202, 503}
    return code == 200


class PollChannel(LedgerChannel):
    """A row found by the poll."""

    @override
    async def attempt(self, event: SampleEvent) -> bool:
        with use_single_row_opentable(self._world) as counter:
            counter.row = sample_as_row(event, self._world.restaurant.rid)
            return bool((await self._world.poll())["status"] == "ok")


class ReconciliationChannel(LedgerChannel):
    """A row found by reconciliation."""

    @override
    async def deliver(self, event: SampleEvent) -> None:
        # An older or conflicting row is a divergence, and the run completes.
        assert (await self._reconcile(event))["status"] == "COMPLETED"

    @override
    async def attempt(self, event: SampleEvent) -> bool:
        summary = await self._reconcile(event)
        assert summary["status"] in {"COMPLETED", "FAILED"}
        return summary["status"] == "COMPLETED" and not summary["divergences"]

    async def _reconcile(self, event: SampleEvent) -> dict[str, Any]:
        world, options = self._world, ReconciliationOptions()
        with use_single_row_opentable(world) as counter:
            counter.row = sample_as_row(event, world.restaurant.rid)
            return await reconcile_restaurant(world.context, options, world.restaurant.id)
