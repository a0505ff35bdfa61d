"""An OpenTable that shows one row, as it is told to, whatever it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.transport import build_session
from tests.edge.opentable.scripted import Reply, ScriptedAdapter
from tests.world import World


class Counter:
    """Where a row is shown.

    Attributes:
        row: The row, None while there is none.
    """

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = None
        self.adapter = ScriptedAdapter()
        self.adapter.steps.append(self._answer)

    def _answer(self) -> Reply:
        _, _, _, kind, *one = urlsplit(self.adapter.requests[-1].url or "").path.split("/")
        if one:
            return Reply(self.row)
        items = [self.row] if self.row and kind == "reservations" else []
        return Reply({"hasNextPage": False, "offset": 0, "limit": 1_000, "items": items})


@contextmanager
def asking(world: World) -> Iterator[Counter]:
    """Have a world's services ask a counter in the sandbox's place."""
    counter, session, services = Counter(), build_session(1), world.services
    session.mount("https://", counter.adapter)
    urls = services.environment.api_url, services.environment.oauth_url
    client = OpenTableClient(*urls, session, world.executor)
    world.services = replace(services, opentable_client=lambda: client)
    yield counter
    world.services = services
