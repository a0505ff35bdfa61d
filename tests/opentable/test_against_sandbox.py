"""The client against the sandbox: rows that change during a listing, any order, faults."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from sandbox.actions import ReservationActions
from sandbox.api import OpenTableApi
from sandbox.background_bookings import populate_store
from sandbox.clock import ManualClock
from sandbox.fault_injection import FailureKind as Fault
from sandbox.models import SandboxRestaurant
from sandbox.oauth import Partner, RateLimit
from sandbox.requests_adapter import SandboxAdapter
from sandbox.store import SandboxStore
from sandbox.sync_rows import ListOrder
from shared.concurrency import Deadline
from shared.domain.webhook_auth import Credentials
from shared.errors import (
    IncompleteListingError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import OpenTableClient
from shared.opentable.query import ListingQuery, OpenTableAccess, OpenTableRow, Resource
from shared.opentable.transport import build_session
from tests.opentable.conftest import ACCESS
from tests.support.opentable import FakeMonotonicClock

pytestmark = pytest.mark.slow

RID = 555001
SIZE = 2_500
ListRows = Callable[..., Awaitable[list[OpenTableRow]]]
ORDERS: tuple[ListOrder, ...] = ("updated", "id", "shuffled")


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 14, 15, tzinfo=UTC))


@pytest.fixture
def sandbox(manual_clock: ManualClock) -> OpenTableApi:
    store = SandboxStore(manual_clock)
    store.add_restaurant(SandboxRestaurant(RID, "Demo", ZoneInfo("America/New_York")))
    populate_store(store, RID, SIZE)
    return OpenTableApi(store, [Partner("me", "hush", "gold", {RID}, api_key="key")])


@pytest.fixture
def client(
    sandbox: OpenTableApi, executor: ThreadPoolExecutor, fake_clock: FakeMonotonicClock
) -> OpenTableClient:
    session = build_session(4)
    session.mount("https://", SandboxAdapter(sandbox))
    return OpenTableClient(
        "https://platform.opentable.com",
        "https://oauth.opentable.com",
        session,
        executor,
        fake_clock.clock,
    )


@pytest.fixture
def list_rows(client: OpenTableClient, deadline: Deadline) -> ListRows:
    async def list_rows(resource: Resource = Resource.RESERVATIONS) -> list[OpenTableRow]:
        pages = client.iterate_pages(ACCESS, resource, ListingQuery(), deadline)
        return [row async for page in pages for row in page.rows]

    return list_rows


def versions_of(rows: list[OpenTableRow]) -> dict[str, int]:
    return {row["id"]: row["sequence_id"] for row in rows}


def sandbox_versions(sandbox: OpenTableApi) -> dict[str, int]:
    rows = sandbox.store.list_reservations(RID)
    return {f"{RID}-{row.key}": row.sequence_id for row in rows}


def change_party_sizes(store: SandboxStore, count: int, random: Random) -> None:
    keys = sorted(row.key for row in store.list_reservations(RID))
    for key in random.sample(keys, count):
        ReservationActions(store, RID).change_party_size(key, random.randint(1, 20))


@pytest.mark.parametrize("order", [*ORDERS, "unstable"])
async def test_unchanging_reservations_are_read_completely_in_any_order(
    list_rows: ListRows, sandbox: OpenTableApi, order: ListOrder
) -> None:
    sandbox.choices.order = order
    assert versions_of(await list_rows()) == sandbox_versions(sandbox)


async def test_all_guests_are_read(list_rows: ListRows, sandbox: OpenTableApi) -> None:
    rows = await list_rows(Resource.GUESTS)
    assert len(rows) == len(sandbox.store.list_guests(RID))


async def test_changes_larger_than_the_overlap_give_the_final_state(
    list_rows: ListRows, sandbox: OpenTableApi, manual_clock: ManualClock
) -> None:
    random = Random(1)
    final_versions: dict[str, int] = {}

    def change_many(store: SandboxStore) -> None:
        final_versions.update(sandbox_versions(sandbox))
        manual_clock.advance(1)
        change_party_sizes(store, 120, random)

    sandbox.faults.on_page = change_many
    assert versions_of(await list_rows()) == final_versions


@pytest.mark.parametrize("order", ORDERS)
async def test_unchanged_sandbox_rows_are_never_missed(
    list_rows: ListRows, sandbox: OpenTableApi, order: ListOrder
) -> None:
    sandbox.choices.order = order
    before = sandbox_versions(sandbox)
    random = Random(2)
    sandbox.faults.on_page = lambda store: change_party_sizes(store, 40, random)
    listed = versions_of(await list_rows())
    unchanged = sandbox_versions(sandbox).items() & before.items()
    assert unchanged <= listed.items()


async def test_an_order_changed_by_writes_is_never_considered_complete(
    list_rows: ListRows, sandbox: OpenTableApi
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(3)
    sandbox.faults.on_page = lambda store: change_party_sizes(store, 1, random)
    with pytest.raises(IncompleteListingError):
        await list_rows()


async def test_an_order_changed_by_one_write_is_read_again(
    list_rows: ListRows, sandbox: OpenTableApi
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(4)

    def change_once(store: SandboxStore) -> None:
        sandbox.faults.on_page = None
        change_party_sizes(store, 1, random)

    sandbox.faults.on_page = change_once
    assert versions_of(await list_rows()).keys() == sandbox_versions(sandbox).keys()


@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED, Fault.HTML, Fault.CLOSE, Fault.DELAY, Fault.STATUS, Fault.REVOKED]
)
async def test_a_transient_fault_loses_no_row(
    list_rows: ListRows, sandbox: OpenTableApi, fault: Fault
) -> None:
    sandbox.faults.script_failure(fault)
    assert versions_of(await list_rows()) == sandbox_versions(sandbox)


async def test_a_repeated_page_does_no_harm(list_rows: ListRows, sandbox: OpenTableApi) -> None:
    def repeat(_: SandboxStore) -> None:
        sandbox.faults.on_page = None
        sandbox.faults.script_failure(Fault.REPEATED_PAGE)

    sandbox.faults.on_page = repeat
    assert versions_of(await list_rows()) == sandbox_versions(sandbox)


async def test_a_rate_limit_error_contains_its_status(
    client: OpenTableClient, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    sandbox.faults.rate_limit = RateLimit(2, "date")
    key = next(iter(sandbox_versions(sandbox)))
    await client.fetch_row(ACCESS, Resource.RESERVATIONS, key, deadline)
    await client.fetch_row(ACCESS, Resource.RESERVATIONS, key, deadline)
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await client.fetch_row(ACCESS, Resource.RESERVATIONS, key, deadline)


async def test_a_revoked_restaurant_is_a_rejection(
    list_rows: ListRows, sandbox: OpenTableApi
) -> None:
    sandbox.revoke_restaurant(RID)
    with pytest.raises(OpenTableRequestRejectedError, match="403"):
        await list_rows()


@pytest.mark.parametrize("shape", ["bare", "envelope"])
async def test_a_single_row_is_read_in_either_shape(
    client: OpenTableClient, deadline: Deadline, sandbox: OpenTableApi, shape: str
) -> None:
    sandbox.choices.single_get = shape  # type: ignore[assignment]  # parametrized text
    row = sandbox.store.list_reservations(RID)[0]
    fetched = await client.fetch_row(ACCESS, Resource.RESERVATIONS, row.key, deadline)
    assert fetched is not None
    assert fetched["sequence_id"] == row.sequence_id


async def test_an_api_key_needs_no_token_request(
    client: OpenTableClient, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    access = OpenTableAccess(str(RID), Credentials(api_key="key"))
    pages = client.iterate_pages(access, Resource.RESERVATIONS, ListingQuery(), deadline)
    assert sum([len(page.rows) async for page in pages]) == SIZE
    assert sandbox.request_counts["token"] == 0
