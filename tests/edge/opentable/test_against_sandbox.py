"""The client against the simulator: a book that lives, orders nobody promised, faults."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from dev.sandbox.adapter import SandboxAdapter
from dev.sandbox.answers import Sandbox
from dev.sandbox.book import Book
from dev.sandbox.choices import Order
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import Desk
from dev.sandbox.faults import Kind as Fault
from dev.sandbox.limits import RateLimit
from dev.sandbox.populate import populate
from dev.sandbox.records import Restaurant
from dev.sandbox.tokens import Partner
from shared.core.credentials import Credentials
from shared.edge.opentable.access import Access
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.query import Kind, Query
from shared.edge.opentable.replies import Row
from shared.edge.opentable.transport import new_session
from shared.errors import OpenTableRefusedError, OpenTableUnavailableError, PagingUnprovenError
from tests.edge.opentable.scripted import Hands

RID = 555001
SIZE = 2_500
ORDERS: tuple[Order, ...] = ("updated", "id", "shuffled")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 14, 15, tzinfo=UTC))


@pytest.fixture
def sandbox(clock: ManualClock) -> Sandbox:
    book = Book(clock)
    book.open(Restaurant(RID, "Demo", ZoneInfo("America/New_York")))
    populate(book, RID, SIZE)
    return Sandbox(book, [Partner("me", "hush", "gold", {RID}, api_key="key")])


@pytest.fixture
def client(sandbox: Sandbox, executor: ThreadPoolExecutor, hands: Hands) -> OpenTableClient:
    session = new_session(4)
    session.mount("https://", SandboxAdapter(sandbox))
    return OpenTableClient(
        "https://platform.opentable.com",
        "https://oauth.opentable.com",
        session,
        executor,
        hands.clock,
    )


async def listed(
    client: OpenTableClient, access: Access, deadline: Deadline, kind: Kind = Kind.RESERVATIONS
) -> list[Row]:
    pages = client.pages(access, kind, Query(), deadline)
    return [row async for page in pages for row in page.rows]


def latest(rows: list[Row]) -> dict[str, int]:
    return {row["id"]: row["sequence_id"] for row in rows}


def held(sandbox: Sandbox) -> dict[str, int]:
    rows = sandbox.book.reservations(RID)
    return {f"{RID}-{row.key}": row.sequence_id for row in rows}


def resize(book: Book, how_many: int, random: Random) -> None:
    keys = sorted(row.key for row in book.reservations(RID))
    for key in random.sample(keys, how_many):
        Desk(book, RID).resize(key, random.randint(1, 20))


@pytest.mark.parametrize("order", [*ORDERS, "unstable"])
async def test_a_book_at_rest_is_read_whole_in_any_order(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox, order: Order
) -> None:
    sandbox.choices.order = order
    assert latest(await listed(client, access, deadline)) == held(sandbox)


async def test_guests_are_read_whole(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    rows = await listed(client, access, deadline, Kind.GUESTS)
    assert len(rows) == len(sandbox.book.guests(RID))


async def test_a_book_that_changes_more_than_the_overlap_is_read_as_it_stands_at_the_end(
    client: OpenTableClient,
    access: Access,
    deadline: Deadline,
    sandbox: Sandbox,
    clock: ManualClock,
) -> None:
    random = Random(1)  # noqa: S311 -- a repeatable evening
    at_last: dict[str, int] = {}

    def rush(book: Book) -> None:
        at_last.update(held(sandbox))
        clock.advance(1)
        resize(book, 120, random)

    sandbox.faults.on_page = rush
    assert latest(await listed(client, access, deadline)) == at_last


@pytest.mark.parametrize("order", ORDERS)
async def test_rows_left_alone_are_never_missed(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox, order: Order
) -> None:
    sandbox.choices.order = order
    before = held(sandbox)
    random = Random(2)  # noqa: S311 -- a repeatable evening
    sandbox.faults.on_page = lambda book: resize(book, 40, random)
    found = latest(await listed(client, access, deadline))
    alone = {key: seq for key, seq in held(sandbox).items() if before[key] == seq}
    assert alone.items() <= found.items()


async def test_an_order_that_writes_upset_is_never_taken_for_whole(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(3)  # noqa: S311 -- a repeatable evening
    sandbox.faults.on_page = lambda book: resize(book, 1, random)
    with pytest.raises(PagingUnprovenError):
        await listed(client, access, deadline)


async def test_an_order_that_one_write_upset_is_read_anew(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    sandbox.choices.order = "unstable"
    random = Random(4)  # noqa: S311 -- a repeatable evening

    def once(book: Book) -> None:
        sandbox.faults.on_page = None
        resize(book, 1, random)

    sandbox.faults.on_page = once
    found = await listed(client, access, deadline)
    assert latest(found).keys() == held(sandbox).keys()


@pytest.mark.parametrize(
    "fault", [Fault.TRUNCATED, Fault.HTML, Fault.CLOSE, Fault.DELAY, Fault.STATUS, Fault.REVOKED]
)
async def test_a_fault_that_passes_costs_no_row(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.fail(fault)
    assert latest(await listed(client, access, deadline)) == held(sandbox)


async def test_a_page_that_repeats_is_seen_through(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    def repeat(_: Book) -> None:
        sandbox.faults.on_page = None
        sandbox.faults.fail(Fault.REPEATED_PAGE)

    sandbox.faults.on_page = repeat
    assert latest(await listed(client, access, deadline)) == held(sandbox)


async def test_a_rate_limit_is_refused_with_its_status_told(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    sandbox.faults.rate_limit = RateLimit(2, "date")
    key = next(iter(held(sandbox)))
    await client.reservation(access, key, deadline)
    await client.reservation(access, key, deadline)
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await client.reservation(access, key, deadline)


async def test_a_restaurant_not_granted_is_a_refusal(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox
) -> None:
    sandbox.offboard(RID)
    with pytest.raises(OpenTableRefusedError, match="403"):
        await listed(client, access, deadline)


@pytest.mark.parametrize("shape", ["bare", "envelope"])
async def test_a_single_row_is_read_in_either_shape(
    client: OpenTableClient, access: Access, deadline: Deadline, sandbox: Sandbox, shape: str
) -> None:
    sandbox.choices.single_get = shape  # type: ignore[assignment]  # parametrised text
    row = sandbox.book.reservations(RID)[0]
    found = await client.reservation(access, row.key, deadline)
    assert found is not None
    assert found["sequence_id"] == row.sequence_id


async def test_an_api_key_reads_too(
    client: OpenTableClient, deadline: Deadline, sandbox: Sandbox
) -> None:
    access = Access(str(RID), Credentials(api_key="key"))
    assert len(await listed(client, access, deadline)) == SIZE
    assert sandbox.counts["token"] == 0
