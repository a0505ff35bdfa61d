from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests
import stamina

from shared.concurrency import Deadline
from shared.domain.webhook_auth import Credentials
from shared.opentable.client import OpenTableClient
from shared.opentable.query import OpenTableAccess, OpenTableRow, Resource
from shared.opentable.transport import MAX_CALL_ATTEMPTS, build_session
from tests.support.opentable import FakeMonotonicClock, ScriptedAdapter

API = "https://api.example"
OAUTH = "https://oauth.example"
FetchRow = Callable[[], Awaitable[OpenTableRow | None]]


@pytest.fixture(autouse=True)
def _no_retry_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_CALL_ATTEMPTS, cap=True):
        yield


@pytest.fixture
def fake_clock() -> FakeMonotonicClock:
    noon = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
    return FakeMonotonicClock(lambda: noon)


@pytest.fixture
def scripted_adapter() -> ScriptedAdapter:
    return ScriptedAdapter()


@pytest.fixture
def session(scripted_adapter: ScriptedAdapter) -> requests.Session:
    session = build_session(4)
    session.mount("https://", scripted_adapter)
    return session


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def client(
    session: requests.Session, executor: ThreadPoolExecutor, fake_clock: FakeMonotonicClock
) -> OpenTableClient:
    return OpenTableClient(API, OAUTH, session, executor, fake_clock.clock)


@pytest.fixture
def deadline(fake_clock: FakeMonotonicClock) -> Deadline:
    return Deadline.after(60, fake_clock.clock)


@pytest.fixture
def access() -> OpenTableAccess:
    credentials = Credentials(client_id="me", client_secret="hush")
    return OpenTableAccess("555001", credentials)


@pytest.fixture
def fetch_row(
    client: OpenTableClient, access: OpenTableAccess, fake_clock: FakeMonotonicClock
) -> FetchRow:
    """Fetch the reservation ``a`` with an OAuth credential, within 60 seconds."""
    return lambda: client.fetch_row(
        access, Resource.RESERVATIONS, "a", Deadline.after(60, fake_clock.clock)
    )
