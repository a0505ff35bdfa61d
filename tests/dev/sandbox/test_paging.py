import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.book import SandboxStore
from dev.sandbox.choices import ListOrder
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.populate import populate_store
from dev.sandbox.records import SandboxRestaurant
from dev.sandbox.tokens import Partner
from tests.dev.sandbox.caller import LIST, NEW_YORK, RID, TONIGHT, Caller

ORDERS = st.sampled_from(["updated", "id", "shuffled", "unstable"])


def all_pages(caller: Caller, limit: int) -> list[str]:
    keys: list[str] = []
    payload: dict[str, Any] = {"nextPageUrl": f"{LIST}?rid={RID}&limit={limit}"}
    while payload["nextPageUrl"]:
        query = parse_qs(urlsplit(payload["nextPageUrl"]).query)
        payload = caller.payload(**{name: values[0] for name, values in query.items()})
        keys += [item["id"].removeprefix(f"{RID}-") for item in payload["items"]]
    return keys


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 40), order=ORDERS)
def test_the_pages_of_an_unchanging_book_are_the_whole_list(
    limit: int, order: ListOrder, caller: Caller, thirty: list[str]
) -> None:
    caller.sandbox.choices.order = order
    assert sorted(all_pages(caller, limit)) == sorted(thirty)


def test_the_default_order_is_by_last_change(
    caller: Caller, desk: ReservationActions, three: list[str]
) -> None:
    desk.change_party_size(three[0], 6)
    assert caller.keys() == [three[1], three[2], three[0]]


def test_rows_can_be_ordered_by_id(sandbox: OpenTableApi, caller: Caller, three: list[str]) -> None:
    sandbox.choices.order = "id"
    assert caller.keys() == sorted(three)


def test_a_stable_shuffle_survives_a_write(
    sandbox: OpenTableApi, caller: Caller, desk: ReservationActions
) -> None:
    keys = [desk.create(TONIGHT, 2).key for _ in range(20)]
    sandbox.choices.order = "shuffled"
    before = caller.keys()
    desk.change_party_size(keys[0], 5)
    assert before == caller.keys() != keys


def test_an_unstable_order_changes_with_a_write(
    sandbox: OpenTableApi, caller: Caller, desk: ReservationActions
) -> None:
    keys = [desk.create(TONIGHT, 2).key for _ in range(20)]
    sandbox.choices.order = "unstable"
    before = caller.keys()
    desk.change_party_size(keys[0], 5)
    assert before != caller.keys()


def test_a_change_between_two_pages_shifts_the_offsets(
    sandbox: OpenTableApi, caller: Caller, desk: ReservationActions, three: list[str]
) -> None:
    sandbox.faults.on_page = lambda _: desk.change_party_size(three[0], 6)
    assert caller.keys(limit=1) == [three[0]]
    sandbox.faults.on_page = None
    assert caller.keys(limit=1, offset=1) == [three[2]]


@pytest.mark.usefixtures("three")
def test_the_next_page_keeps_the_filters(caller: Caller) -> None:
    url = caller.payload(limit=2, state="NotConfirmed")["nextPageUrl"]
    assert url == (
        f"https://platform.opentable.com{LIST}?rid={RID}&limit=2&state=NotConfirmed&offset=2"
    )


@pytest.mark.usefixtures("three")
def test_the_next_page_can_be_relative(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.choices.next_page_url = "relative"
    url = caller.payload(limit=2)["nextPageUrl"]
    assert str(url).startswith(f"{LIST}?")


@pytest.mark.usefixtures("three")
def test_the_last_page_has_no_next(caller: Caller) -> None:
    payload = caller.payload(limit=3)
    assert (payload["hasNextPage"], payload["nextPageUrl"]) == (False, None)


@pytest.mark.parametrize("query", [{}, {"updated_after": "2026-03-01T00:00:00Z"}])
def test_a_page_of_a_book_of_100000_is_quick(query: dict[str, str], large: Caller) -> None:
    large.keys(limit=1000, **query)
    start = time.perf_counter()
    large.keys(limit=1000, offset=5000, **query)
    assert time.perf_counter() - start < 0.3


@pytest.fixture(scope="module")
def large() -> Caller:
    book = SandboxStore(ManualClock(TONIGHT))
    book.add_restaurant(SandboxRestaurant(RID, "Demo", NEW_YORK))
    populate_store(book, RID, 100_000)
    return Caller(OpenTableApi(book, [Partner("client", "secret", "gold", {RID}, api_key="key")]))


@pytest.fixture
def thirty(desk: ReservationActions) -> list[str]:
    return [desk.create(TONIGHT, 2).key for _ in range(30)]
