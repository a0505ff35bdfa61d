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
def populated_sandbox(manual_clock: ManualClock) -> OpenTableApi:
    store = SandboxStore(manual_clock)
    store.add_restaurant(SandboxRestaurant(RID, "Demo", ZoneInfo("America/New_York")))
    populate_store(store, RID, SIZE)
    return OpenTableApi(store, [Partner("me", "hush", "gold", {RID}, api_key="key")])


@pytest.fixture
def populated_client(
    populated_sandbox: OpenTableApi, executor: ThreadPoolExecutor, fake_clock: FakeMonotonicClock
) -> OpenTableClient:
    session = build_session(4)
    session.mount("https://", SandboxAdapter(populated_sandbox))
    return OpenTableClient(
        "https://platform.opentable.com",
        "https://oauth.opentable.com",
        session,
        executor,
        fake_clock.clock,
    )


@pytest.fixture
def list_rows(
    populated_client: OpenTableClient, access: OpenTableAccess, deadline: Deadline
) -> ListRows:
    async def list_rows(resource: Resource = Resource.RESERVATIONS) -> list[OpenTableRow]:
        pages = populated_client.iterate_pages(access, resource, ListingQuery(), deadline)
        return [row async for page in pages for row in page.rows]

    return list_rows


def versions_of(rows: list[OpenTableRow]) -> dict[str, int]:
    return {row["id"]: row["sequence_id"] for row in rows}


def sandbox_versions(populated_sandbox: OpenTableApi) -> dict[str, int]:
    rows = populated_sandbox.store.list_reservations(RID)
    return {f"{RID}-{row.key}": row.sequence_id for row in rows}


def change_party_sizes(store: SandboxStore, count: int, random: Random) -> None:
    keys = sorted(row.key for row in store.list_reservations(RID))
    for key in random.sample(keys, count):
        ReservationActions(store, RID).change_party_size(key, random.randint(1, 20))


@pytest.mark.parametrize("order", [*ORDERS, "unstable"])
async def test_unchanging_reservations_are_read_completely_in_any_order(
    list_rows: ListRows,
    populated_sandbox: OpenTableApi,
    order: ListOrder,
) -> None:
    populated_sandbox.choices.order = order
    assert versions_of(await list_rows()) == sandbox_versions(populated_sandbox)


async def test_all_guests_are_read(list_rows: ListRows, populated_sandbox: OpenTableApi) -> None:
    rows = await list_rows(Resource.GUESTS)
    assert len(rows) == len(populated_sandbox.store.list_guests(RID))


async def test_changes_larger_than_the_overlap_give_the_final_state(
    list_rows: ListRows,
    populated_sandbox: OpenTableApi,
    manual_clock: ManualClock,
) -> None:
    random = Random(1)
    final_versions: dict[str, int] = {}

    def change_many(store: SandboxStore) -> None:
        final_versions.update(sandbox_versions(populated_sandbox))
        manual_clock.advance(1)
        change_party_sizes(store, 120, random)

    populated_sandbox.faults.on_page = change_many
    assert versions_of(await list_rows()) == final_versions


@pytest.mark.parametrize("order", ORDERS)
async def test_unchanged_sandbox_rows_are_never_missed(
    list_rows: ListRows,
    populated_sandbox: OpenTableApi,
    order: ListOrder,
) -> None:
    populated_sandbox.choices.order = order
    before = sandbox_versions(populated_sandbox)
    random = Random(2)
    populated_sandbox.faults.on_page = lambda store: change_party_sizes(store, 40, random)
    listed = versions_of(await list_rows())
    unchanged = sandbox_versions(populated_sandbox).items() & before.items()
    assert unchanged <= listed.items()


async def test_an_order_changed_by_writes_is_never_considered_complete(
    list_rows: ListRows, populated_sandbox: OpenTableApi
) -> None:
    populated_sandbox.choices.order = "unstable"
    random = Random(3)
    populated_sandbox.faults.on_page = lambda store: change_party_sizes(store, 1, random)
    with pytest.raises(IncompleteListingError):
        await list_rows()


async def test_an_order_changed_by_one_write_is_read_again(
    list_rows: ListRows, populated_sandbox: OpenTableApi
) -> None:
    populated_sandbox.choices.order = "unstable"
    random = Random(4)

    def change_once(store: SandboxStore) -> None:
        populated_sandbox.faults.on_page = None
        change_party_sizes(store, 1, random)

    populated_sandbox.faults.on_page = change_once
    assert versions_of(await list_rows()).keys() == sandbox_versions(populated_sandbox).keys()


@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED, Fault.HTML, Fault.CLOSE, Fault.DELAY, Fault.STATUS, Fault.REVOKED]
)
async def test_a_transient_fault_loses_no_row(
    list_rows: ListRows,
    populated_sandbox: OpenTableApi,
    fault: Fault,
) -> None:
    populated_sandbox.faults.script_failure(fault)
    assert versions_of(await list_rows()) == sandbox_versions(populated_sandbox)


async def test_a_repeated_page_does_no_harm(
    list_rows: ListRows, populated_sandbox: OpenTableApi
) -> None:
    def repeat(_: SandboxStore) -> None:
        populated_sandbox.faults.on_page = None
        populated_sandbox.faults.script_failure(Fault.REPEATED_PAGE)

    populated_sandbox.faults.on_page = repeat
    assert versions_of(await list_rows()) == sandbox_versions(populated_sandbox)


async def test_a_rate_limit_error_contains_its_status(
    populated_client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    populated_sandbox: OpenTableApi,
) -> None:
    populated_sandbox.faults.rate_limit = RateLimit(2, "date")
    key = next(iter(sandbox_versions(populated_sandbox)))
    await populated_client.fetch_row(access, Resource.RESERVATIONS, key, deadline)
    await populated_client.fetch_row(access, Resource.RESERVATIONS, key, deadline)
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await populated_client.fetch_row(access, Resource.RESERVATIONS, key, deadline)


async def test_a_revoked_restaurant_is_a_rejection(
    list_rows: ListRows, populated_sandbox: OpenTableApi
) -> None:
    populated_sandbox.revoke_restaurant(RID)
    with pytest.raises(OpenTableRequestRejectedError, match="403"):
        await list_rows()


@pytest.mark.parametrize("shape", ["bare", "envelope"])
async def test_a_single_row_is_read_in_either_shape(
    populated_client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    populated_sandbox: OpenTableApi,
    shape: str,
) -> None:
    populated_sandbox.choices.single_get = shape  # type: ignore[assignment]  # parametrized text
    row = populated_sandbox.store.list_reservations(RID)[0]
    fetched = await populated_client.fetch_row(access, Resource.RESERVATIONS, row.key, deadline)
    assert fetched is not None
    assert fetched["sequence_id"] == row.sequence_id


async def test_an_api_key_needs_no_token_request(
    populated_client: OpenTableClient, deadline: Deadline, populated_sandbox: OpenTableApi
) -> None:
    access = OpenTableAccess(str(RID), Credentials(api_key="key"))
    pages = populated_client.iterate_pages(access, Resource.RESERVATIONS, ListingQuery(), deadline)
    assert sum([len(page.rows) async for page in pages]) == SIZE
    assert populated_sandbox.request_counts["token"] == 0
