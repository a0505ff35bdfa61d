"""The ways by which a change comes of itself, under one small interface."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from tests.behaviour.counter import asking
from tests.behaviour.telling import RESERVATION, Telling, as_envelope, as_row
from tests.front_door import knock
from tests.page import Page
from tests.world import World


class Source(Protocol):
    """A way into the ledger.

    Attributes:
        cannot: Tests that cannot apply to it, and why.
    """

    cannot: ClassVar[Mapping[str, str]]

    def __init__(self, world: World) -> None: ...

    async def say(self, telling: Telling) -> None:
        """Have something said."""

    async def document(self) -> dict[str, Any]:
        """Return the reservation's document."""

    async def journal(self) -> dict[str, dict[str, Any]]:
        """Return its journal."""

    async def refusals(self) -> list[str]:
        """Return the reasons of all that could not be applied."""


class OpenTables:
    """What the sources of OpenTable's reservations have in common to look at."""

    cannot: ClassVar[Mapping[str, str]] = {}

    def __init__(self, world: World) -> None:
        self._world = world
        self._page = Page(world.services.firestore, world.settings())

    async def document(self) -> dict[str, Any]:
        return await self._page.document(RESERVATION)

    async def journal(self) -> dict[str, dict[str, Any]]:
        return await self._page.journal(RESERVATION)

    async def refusals(self) -> list[str]:
        return [item["reason"] for item in await self._page.quarantined()]


class EnvelopeWebhook(OpenTables):
    """A relay's envelope."""

    async def say(self, telling: Telling) -> None:
        body = as_envelope(telling, self._world.restaurant.id)
        await knock(self._world.services, json.dumps(body).encode())


class ObjectWebhook(OpenTables):
    """OpenTable's own webhook."""

    async def say(self, telling: Telling) -> None:
        body = as_row(telling, self._world.restaurant.rid)
        await knock(self._world.services, json.dumps(body).encode())


class Poll(OpenTables):
    """A row that the poll finds."""

    async def say(self, telling: Telling) -> None:
        with asking(self._world) as counter:
            counter.row = as_row(telling, self._world.restaurant.rid)
            assert (await self._world.poll())["status"] == "ok"


class Reconciliation(OpenTables):
    """A row that reconciliation finds."""

    async def say(self, telling: Telling) -> None:
        with asking(self._world) as counter:
            counter.row = as_row(telling, self._world.restaurant.rid)
            assert (await self._world.reconcile())["status"] == "COMPLETED"
