"""An OpenTable that shows one row, as it is told to, whatever it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.transport import build_session
from tests.edge.opentable.scripted import ScriptedAdapter, ScriptedResponse
from tests.world import World


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
