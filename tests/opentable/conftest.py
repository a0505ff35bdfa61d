from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests
import stamina

from shared.concurrency import Deadline
from shared.domain.webhook_auth import Credentials
from shared.opentable.client import OpenTableClient
from shared.opentable.query import ListingQuery, OpenTableAccess, OpenTableRow, Resource, RowPage
from shared.opentable.transport import MAX_CALL_ATTEMPTS, build_session
from tests.support.opentable import FakeMonotonicClock, ScriptedAdapter, ScriptedResponse

ROW = ScriptedResponse({"id": "555001-a"})
ACCESS = OpenTableAccess("555001", Credentials(client_id="me", client_secret="hush"))


@pytest.fixture(autouse=True)
def _no_retry_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_CALL_ATTEMPTS, cap=True):
        yield


@pytest.fixture
def fake_clock() -> FakeMonotonicClock:
    noon = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
    return FakeMonotonicClock(lambda: noon)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def deadline(fake_clock: FakeMonotonicClock) -> Deadline:
    return Deadline.after(60, fake_clock.clock)


@dataclass
class ScriptedOpenTable:
    """A client, and the script of OpenTable's responses, by default `ROW` to every call.

    Calls may take 60 seconds.
    """

    adapter: ScriptedAdapter
    session: requests.Session
    client: OpenTableClient
    clock: FakeMonotonicClock

    async def fetch_row(
        self,
        open_table_id: str = "a",
        resource: Resource = Resource.RESERVATIONS,
        *,
        access: OpenTableAccess = ACCESS,
        seconds: float = 60,
    ) -> OpenTableRow | None:
        deadline = Deadline.after(seconds, self.clock.clock)
        return await self.client.fetch_row(access, resource, open_table_id, deadline)

    async def list_pages(self, query: ListingQuery | None = None) -> list[RowPage]:
        pages = self.client.iterate_pages(
            ACCESS,
            Resource.RESERVATIONS,
            query or ListingQuery(),
            Deadline.after(60, self.clock.clock),
        )
        return [page async for page in pages]


@pytest.fixture
def opentable(executor: ThreadPoolExecutor, fake_clock: FakeMonotonicClock) -> ScriptedOpenTable:
    adapter = ScriptedAdapter()
    adapter.steps = [ROW]
    session = build_session(4)
    session.mount("https://", adapter)
    client = OpenTableClient(
        "https://api.example", "https://oauth.example", session, executor, fake_clock.clock
    )
    return ScriptedOpenTable(adapter, session, client, fake_clock)
