"""The client against the simulator: a book that lives, orders nobody promised, faults."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from sandbox.api import OpenTableApi
from sandbox.background_bookings import populate_store
from sandbox.clock import ManualClock
from sandbox.fault_injection import FailureKind as Fault
from sandbox.models import SandboxRestaurant
from sandbox.oauth import Partner, RateLimit
from sandbox.requests_adapter import SandboxAdapter
from sandbox.reservation_actions import ReservationActions
from sandbox.store import SandboxStore
from sandbox.sync_rows import ListOrder
from shared.concurrency import Deadline
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import (
    IncompleteListingError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import OpenTableClient, OpenTableRow
from shared.opentable.query import ListingQuery, OpenTableAccess, Resource
from shared.opentable.transport import build_session
from tests.support.opentable import FakeMonotonicClock

RID = 555001
SIZE = 2_500
ORDERS: tuple[ListOrder, ...] = ("updated", "id", "shuffled")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 14, 15, tzinfo=UTC))


@pytest.fixture
def sandbox(clock: ManualClock) -> OpenTableApi:
    book = SandboxStore(clock)
    book.add_restaurant(SandboxRestaurant(RID, "Demo", ZoneInfo("America/New_York")))
    populate_store(book, RID, SIZE)
    return OpenTableApi(book, [Partner("me", "hush", "gold", {RID}, api_key="key")])


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


async def listed(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    kind: Resource = Resource.RESERVATIONS,
) -> list[OpenTableRow]:
    pages = client.iterate_pages(access, kind, ListingQuery(), deadline)
    return [row async for page in pages for row in page.rows]


def latest(rows: list[OpenTableRow]) -> dict[str, int]:
    return {row["id"]: row["sequence_id"] for row in rows}


def sandbox_versions(sandbox: OpenTableApi) -> dict[str, int]:
    rows = sandbox.store.list_reservations(RID)
    return {f"{RID}-{row.key}": row.sequence_id for row in rows}


def resize(book: SandboxStore, how_many: int, random: Random) -> None:
    keys = sorted(row.key for row in book.list_reservations(RID))
    for key in random.sample(keys, how_many):
        ReservationActions(book, RID).change_party_size(key, random.randint(1, 20))


@pytest.mark.parametrize("order", [*ORDERS, "unstable"])
async def test_unchanging_reservations_are_read_completely_in_any_order(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    sandbox: OpenTableApi,
    order: ListOrder,
) -> None:
    sandbox.choices.order = order
    assert latest(await listed(client, access, deadline)) == sandbox_versions(sandbox)


async def test_guests_are_read_whole(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    rows = await listed(client, access, deadline, Resource.GUESTS)
    assert len(rows) == len(sandbox.store.list_guests(RID))


async def test_changes_larger_than_the_overlap_give_the_final_state(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    sandbox: OpenTableApi,
    clock: ManualClock,
) -> None:
    random = Random(1)  # noqa: S311 -- a repeatable evening
    at_last: dict[str, int] = {}

    def rush(book: SandboxStore) -> None:
        at_last.update(sandbox_versions(sandbox))
        clock.advance(1)
        resize(book, 120, random)

    sandbox.faults.on_page = rush
    assert latest(await listed(client, access, deadline)) == at_last


@pytest.mark.parametrize("order", ORDERS)
async def test_rows_left_alone_are_never_missed(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    sandbox: OpenTableApi,
    order: ListOrder,
) -> None:
    sandbox.choices.order = order
    before = sandbox_versions(sandbox)
    random = Random(2)  # noqa: S311 -- a repeatable evening
    sandbox.faults.on_page = lambda book: resize(book, 40, random)
    found = latest(await listed(client, access, deadline))
    alone = {key: seq for key, seq in sandbox_versions(sandbox).items() if before[key] == seq}
    assert alone.items() <= found.items()


async def test_an_order_changed_by_writes_is_never_considered_complete(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(3)  # noqa: S311 -- a repeatable evening
    sandbox.faults.on_page = lambda book: resize(book, 1, random)
    with pytest.raises(IncompleteListingError):
        await listed(client, access, deadline)


async def test_an_order_changed_by_one_write_is_read_again(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(4)  # noqa: S311 -- a repeatable evening

    def once(book: SandboxStore) -> None:
        sandbox.faults.on_page = None
        resize(book, 1, random)

    sandbox.faults.on_page = once
    found = await listed(client, access, deadline)
    assert latest(found).keys() == sandbox_versions(sandbox).keys()


@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED, Fault.HTML, Fault.CLOSE, Fault.DELAY, Fault.STATUS, Fault.REVOKED]
)
async def test_a_transient_fault_loses_no_row(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    sandbox: OpenTableApi,
    fault: Fault,
) -> None:
    sandbox.faults.script_failure(fault)
    assert latest(await listed(client, access, deadline)) == sandbox_versions(sandbox)


async def test_a_page_that_repeats_is_seen_through(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    def repeat(_: SandboxStore) -> None:
        sandbox.faults.on_page = None
        sandbox.faults.script_failure(Fault.REPEATED_PAGE)

    sandbox.faults.on_page = repeat
    assert latest(await listed(client, access, deadline)) == sandbox_versions(sandbox)


async def test_a_rate_limit_error_contains_its_status(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    sandbox.faults.rate_limit = RateLimit(2, "date")
    key = next(iter(sandbox_versions(sandbox)))
    await client.fetch_reservation(access, key, deadline)
    await client.fetch_reservation(access, key, deadline)
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await client.fetch_reservation(access, key, deadline)


async def test_a_restaurant_not_granted_is_a_refusal(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    sandbox.revoke_restaurant(RID)
    with pytest.raises(OpenTableRequestRejectedError, match="403"):
        await listed(client, access, deadline)


@pytest.mark.parametrize("shape", ["bare", "envelope"])
async def test_a_single_row_is_read_in_either_shape(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    sandbox: OpenTableApi,
    shape: str,
) -> None:
    sandbox.choices.single_get = shape  # type: ignore[assignment]  # parametrised text
    row = sandbox.store.list_reservations(RID)[0]
    found = await client.fetch_reservation(access, row.key, deadline)
    assert found is not None
    assert found["sequence_id"] == row.sequence_id


async def test_an_api_key_reads_too(
    client: OpenTableClient, deadline: Deadline, sandbox: OpenTableApi
) -> None:
    access = OpenTableAccess(str(RID), Credentials(api_key="key"))
    assert len(await listed(client, access, deadline)) == SIZE
    assert sandbox.request_counts["token"] == 0
